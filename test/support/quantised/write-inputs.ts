import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureMiniLm } from '../../bench/minilm.ts';
import { QUANTISED } from './python-cosine.ts';
import { openQuantisable, quantise, toBytes } from './quantisable-model.ts';

/*
 * Writes the float32 graphs and the inputs that test/reference/quantised_models.py gives to Python's quantizer, beside our graphs:
 * `npm run quantised -- <folder>`.
 */

const [to = ''] = process.argv.slice(2);
const FOLDERS = { lite0: 'models/efficientnet-lite0', minilm: await ensureMiniLm(console.error) };

for (const name of ['lite0', 'minilm'] as const) {
  const { data, count, kind } = QUANTISED[name];
  const folder = FOLDERS[name];
  if (folder === undefined) continue;
  const scratch = await mkdtemp(join(tmpdir(), 'quantised-'));
  try {
    const opened = await openQuantisable(folder, data, count, scratch);
    await mkdir(join(to, name), { recursive: true });
    await writeFile(join(to, name, 'float32.onnx'), toBytes(opened, opened.document));
    const ours = await quantise(opened, kind, 7);
    await writeFile(join(to, name, 'ours.onnx'), toBytes(opened, ours));
    const about = [];
    for (const [index, feeds] of opened.feeds.entries())
      for (const [input, { dtype, shape, data: values }] of Object.entries(feeds)) {
        if (!('buffer' in values)) continue;
        const file = `${index}-${input}.bin`;
        await writeFile(join(to, name, file), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
        about.push({ run: index, input, dtype, shape, file });
      }
    await writeFile(join(to, name, 'feeds.json'), JSON.stringify({ kind, about }));
  } finally {
    await rm(scratch, { recursive: true });
  }
}
