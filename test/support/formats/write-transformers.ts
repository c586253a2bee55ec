import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTransformers, VERSIONS } from '../parity/sklearn-transformers.ts';
import { convertTransformer } from './sklearn-graph.ts';

/** `node test/support/formats/write-transformers.ts <folder>` writes the graphs of all fitted transformers, for test/reference/check_graphs.py. */

const [folder = ''] = process.argv.slice(2);
if (folder === '') throw new Error('name a folder for the graphs');

for (const fixtures of ['sklearn-preprocessing', 'sklearn-text'])
  for (const version of VERSIONS) {
    await mkdir(join(folder, fixtures, version), { recursive: true });
    for (const [name, object] of await readTransformers(fixtures, version)) {
      const { model } = convertTransformer(object, version);
      await writeFile(join(folder, fixtures, version, `${name}.onnx`), model);
    }
  }
