import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importModels } from './boosting.ts';

/** `node test/support/parity/write-boosters.ts <folder>` writes the graph of every booster of the fixtures, for test/reference/check_graphs.py. */

const [folder = ''] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
for (const library of ['xgboost', 'lightgbm'] as const)
  for await (const { title, model } of importModels(library))
    await writeFile(join(folder, `${title.replaceAll(/[ ,]+/g, '-')}.onnx`), Buffer.concat([...model.onnx]));
