import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimeVersion } from '../../../src/engine/bake.ts';
import { compareOutputs } from './compare-outputs.ts';
import {
  assertAvailable,
  isProcessorName,
  PROCESSORS,
  type ProcessorName,
  recordRuns,
  replayRuns,
} from './processors.ts';
import type { ReplayedGraph } from './recorded-graph.ts';
import { BLOCK, toProcessorTable } from './table.ts';
import { graphTolerance, type ProcessorRecord, RECORD } from './tolerances.ts';

/**
 * `npm run parity:processors` runs the graphs of the parity tests on several processors, and writes how far their outputs move into
 * test/fixtures/processors.json and docs/parity.md. `-- <processor>` compares this machine with that processor by the record instead.
 */

const PAGE = 'docs/parity.md';
/** Runs of each graph. An emulated processor takes minutes for what a real one does in seconds. */
const [MEASURED_RUNS, CHECKED_RUNS] = [40, 5];

/** The folder of a model and its file, which is how the record names a graph. */
const graphName = (path: string): string => path.replace(/^.*?models\//, '');

const measure = async (folder: string): Promise<void> => {
  const names = Object.keys(PROCESSORS).filter(isProcessorName);
  await assertAvailable(names);
  await recordRuns(folder, MEASURED_RUNS);
  const replayed = new Map<ProcessorName, ReplayedGraph[]>();
  for (const name of names) replayed.set(name, await replayRuns(folder, PROCESSORS[name]));
  const graphs: Record<string, Record<string, number>> = {};
  for (const [index, one] of names.entries())
    for (const other of names.slice(index + 1))
      for (const [path, difference] of compareOutputs(replayed.get(one) ?? [], replayed.get(other) ?? [])) {
        const graph = graphName(path);
        graphs[graph] = { ...graphs[graph], [`${one} and ${other}`]: difference };
      }
  const sorted = Object.fromEntries(Object.entries(graphs).sort(([one], [other]) => (one < other ? -1 : 1)));
  const record: ProcessorRecord = { runtime: runtimeVersion(), graphs: sorted };
  await writeFile(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  const page = await readFile(PAGE, 'utf8');
  await writeFile(
    PAGE,
    page.replace(BLOCK, (_block, start: string, end: string) => start + toProcessorTable(record) + end),
  );
};

const check = async (folder: string, name: ProcessorName): Promise<void> => {
  await assertAvailable([name]);
  await recordRuns(folder, CHECKED_RUNS);
  const differences = compareOutputs(await replayRuns(folder), await replayRuns(folder, PROCESSORS[name]));
  for (const [path, difference] of differences) {
    const isWithin = difference <= graphTolerance(graphName(path));
    console.log(`${isWithin ? 'ok' : 'FAR'}  ${graphName(path)}: ${difference.toExponential(1)} from ${name}`);
    if (!isWithin) process.exitCode = 1;
  }
};

const [, , name] = process.argv;
const folder = await mkdtemp(join(tmpdir(), 'processors-'));
try {
  if (name === undefined) await measure(folder);
  else if (isProcessorName(name)) await check(folder, name);
  else throw new Error(`"${name}" is no processor, expected one of ${Object.keys(PROCESSORS).join(', ')}`);
} finally {
  await rm(folder, { recursive: true });
}
