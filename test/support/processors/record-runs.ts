import { createHash } from 'node:crypto';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { serialize } from 'node:v8';
import type { InferenceSession } from 'onnxruntime-node';
import { isDType, type Tensor, type Tensors, tensor } from '../../../src/core/tensor.ts';
import { loadRuntime } from '../../../src/engine/session.ts';
import { PARITY_TABLES } from '../parity/parity-tables.ts';
import type { RecordedGraph } from './recorded-graph.ts';

/** Measures the parity of every task, and keeps runs of each graph for `replay-runs.ts`. Arguments: a folder for them, and how many of each. */

const [, , folder = '', most = ''] = process.argv;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Paths of the graphs by digest: a pushed model is a copy of its fixture. */
const findGraphs = async (): Promise<Map<string, string>> => {
  const paths = new Map<string, string>();
  for await (const path of glob(['test/fixtures/models/**/*.onnx', 'models/**/*.onnx']))
    paths.set(digest(await readFile(path)), path);
  return paths;
};

const toTensors = (feeds: InferenceSession.OnnxValueMapType): Tensors => {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { type, dims, data }] of Object.entries(feeds)) {
    if (!isDType(type)) throw new Error(`feed ${name} is ${type}`);
    tensors[name] = structuredClone(tensor(type, dims, data)); // tasks use the memory of their feeds again
  }
  return tensors;
};

const keep = (runs: Tensors[], feeds: Tensors): void => {
  if (!runs.some((kept) => isDeepStrictEqual(kept, feeds))) runs.push(feeds);
};

/** Keeps different feeds of the first runs of every session that is created from now on. */
const recordSessions = async (): Promise<Map<string, Tensors[]>> => {
  const paths = await findGraphs();
  const recorded = new Map<string, Tensors[]>();
  const { InferenceSession } = loadRuntime();
  const { create } = InferenceSession;
  Object.assign(InferenceSession, {
    create: async (file: string, options: InferenceSession.SessionOptions) => {
      const session = await create(file, options);
      const path = paths.get(digest(await readFile(file)));
      if (path === undefined) return session;
      const runs = recorded.get(path) ?? [];
      recorded.set(path, runs);
      const run = session.run.bind(session);
      return Object.assign(session, {
        run: (feeds: InferenceSession.OnnxValueMapType, outputNames: InferenceSession.RunOptions) => {
          if (runs.length < Number(most)) keep(runs, toTensors(feeds));
          return run(feeds, outputNames);
        },
      });
    },
  });
  return recorded;
};

const recorded = await recordSessions();
for (const tables of Object.values(PARITY_TABLES)) for (const measure of Object.values(tables)) await measure();
let count = 0;
for (const [path, feeds] of recorded) {
  const graph: RecordedGraph = { path, feeds };
  await writeFile(join(folder, `${count}.runs`), serialize(graph));
  count += 1;
}
