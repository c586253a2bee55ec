import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Tensors } from '../../../src/core/tensor.ts';
import { createSession } from '../../../src/engine/session.ts';
import type { RecordedGraph, ReplayedGraph } from './recorded-graph.ts';

/** Runs the recorded feeds again, on the processor that this process sees. Arguments: the folder of the runs, a file for the outputs. */

const [, , folder = '', target = ''] = process.argv;
const replayed: ReplayedGraph[] = [];
for (const file of (await readdir(folder)).filter((name) => name.endsWith('.runs'))) {
  const { path, feeds }: RecordedGraph = deserialize(await readFile(join(folder, file)));
  const session = await createSession(path, 1_769);
  const outputs: Tensors[] = [];
  for (const one of feeds) outputs.push(await session.run(one));
  await session.release();
  replayed.push({ path, outputs });
}
await writeFile(target, serialize(replayed));
