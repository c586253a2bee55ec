import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import { type BulkRun, resultKey } from '../../src/jobs/bulk/bulk-run.ts';
import { readDone } from '../../src/jobs/bulk/chunk-end.ts';
import type { ReadSource } from '../../src/jobs/bulk/plan-run.ts';
import { unlessMissing } from '../../src/repository/model-repository.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';

export const bulkRun = (change: Partial<BulkRun> = {}): BulkRun => ({
  ...{ name: 'run', model: 'iris', version: 1, source: 'uploads/iris/', chunk: 10, maxConcurrency: 10, maxFailures: 1 },
  ...{ format: 'jsonl.gz', join: [] },
  ...{ created: '2026-11-26T00:00:00.000Z', by: 'a test', ...change },
});

/** A source of elements that are there. */
export const sourceOf = (elements: readonly BulkElement[]): ReadSource =>
  async function* (cursor) {
    for (const [index, element] of elements.entries())
      if (index >= Number(cursor)) yield { element, cursor: String(index + 1) };
  };

interface Line {
  readonly key?: string;
  readonly row?: number;
  readonly line?: number;
  readonly columns?: Readonly<Record<string, unknown>>;
  readonly answer?: unknown;
  readonly code?: string;
  readonly message?: string;
}

const parseLines = (text: string): Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

/** The answers of a chunk; undefined before there are any. */
export const readAnswers = async (data: ObjectStore, name: string, chunk: number): Promise<Line[] | undefined> => {
  const object = await unlessMissing(data.read(resultKey({ name, format: 'jsonl.gz' }, chunk)));
  return object && parseLines((await promisify(gunzip)(object.body)).toString());
};

export const readChunkFailures = async (data: ObjectStore, name: string, chunk: number): Promise<Line[]> => {
  const done = await readDone(data, { name, format: 'jsonl.gz' }, chunk);
  return done?.failuresKey ? parseLines(Buffer.from((await data.read(done.failuresKey)).body).toString()) : [];
};
