import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import { readModels, readVersions } from './sklearn.ts';

/** `node test/support/parity/write-sklearn.ts <folder>` writes the graph of every estimator of the tests, for test/reference/check_graphs.py. */

const [, , folder = ''] = process.argv;
if (folder === '') throw new Error('name a folder for the graphs');

for (const version of await readVersions()) {
  await mkdir(path.join(folder, version), { recursive: true });
  for (const [name, model] of await readModels(version)) {
    const file = `${name.replaceAll(/\W+/g, '-')}.onnx`;
    await writeFile(path.join(folder, version, file), Buffer.concat([...importSklearn(model).onnx]));
  }
}
