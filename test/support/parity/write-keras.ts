import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importKeras } from '../../../src/formats/keras/import-keras.ts';
import { KERAS_FIXTURES, readKerasFile } from './keras.ts';

/** `node test/support/parity/write-keras.ts <folder>` writes the graphs of the fixtures, for test/reference/check_graphs.py. */

/** Files that are refused. */
const REFUSED = /lambda|custom|stateful|subclass|weights-only/;

const [folder = ''] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
for (const version of ['keras-2', 'keras-3'])
  for (const file of await readdir(join(KERAS_FIXTURES, version))) {
    if (!file.endsWith('.gz') || REFUSED.test(file)) continue;
    const { onnx } = await importKeras(await readKerasFile(join(version, file.replace(/[.]gz$/, ''))));
    await writeFile(join(folder, `${version}-${file}.onnx`), Buffer.concat([...onnx]));
  }
