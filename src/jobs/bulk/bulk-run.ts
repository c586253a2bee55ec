import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import { show } from '../../core/show.ts';
import { parseExactJson } from '../../protocol/json.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import { createObject } from '../../repository/stores/create-object.ts';
import type { ObjectStore, WriteOptions } from '../../repository/stores/object-store.ts';
import { type BulkElement, elementSchema } from './bulk-element.ts';
import { expandSlice, sliceSchema, type TableSlice } from './table-slice.ts';

/** A run has a folder of its own below it. */
const BULK_PREFIX = 'bulk/';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const CHUNK_DIGITS = 8;

/** @throws `INVALID_REQUEST` */
export const assertRunName = (name: string): void => {
  if (!NAME.test(name))
    throw new ServingError(
      'INVALID_REQUEST',
      `the run is called ${show(name)}, expected 1 to 100 letters, digits, '.', '_' and '-', starting with a letter or digit`,
    );
};

const folder = (name: string): string => `${BULK_PREFIX}${name}/`;
const chunkName = (chunk: number): string => String(chunk).padStart(CHUNK_DIGITS, '0');
export const planPrefix = (name: string): string => `${folder(name)}plan/`;
export const resultsPrefix = (name: string): string => `${folder(name)}results/`;
export const chunkKey = (name: string, chunk: number): string => `${planPrefix(name)}${chunkName(chunk)}.jsonl`;
export const resultKey = ({ name, format }: Pick<BulkRun, 'name' | 'format'>, chunk: number): string =>
  `${resultsPrefix(name)}${chunkName(chunk)}.${format}`;
/** The failures of a child have a name by their hash: children of one chunk that end together overwrite no failures of each other. */
export const chunkFailuresKey = (name: string, chunk: number, lines: string): string =>
  `${folder(name)}failures/${chunkName(chunk)}-${createHash('sha256').update(lines).digest('hex').slice(0, 16)}.jsonl`;
/** The failures beside results that do not name them: those of a version before 2026-11-26. */
export const unnamedFailuresKey = (name: string, chunk: number): string =>
  `${folder(name)}failures/${chunkName(chunk)}.jsonl`;
export const attemptKey = (name: string, chunk: number): string => `${folder(name)}attempts/${chunkName(chunk)}.json`;
/** The attempts of a child that is not the first one of its chunk. */
export const furtherAttemptKey = (name: string, chunk: number, child: string): string =>
  `${folder(name)}attempts/${chunkName(chunk)}-${createHash('sha256').update(child).digest('hex').slice(0, 16)}.json`;
/** The elements of a chunk that are given up, whichever child found it. */
export const hopelessKey = (name: string, chunk: number): string =>
  `${folder(name)}attempts/${chunkName(chunk)}-hopeless.json`;
export const progressKey = (name: string, chunk: number): string =>
  `${folder(name)}attempts/${chunkName(chunk)}-done.json`;
/** A file of all failures of a run, from 0: most runs have only the first. */
export const failuresKey = (name: string, file = 0): string =>
  `${folder(name)}failures${file === 0 ? '' : `-${file + 1}`}.jsonl`;
export const manifestKey = (name: string): string => `${folder(name)}manifest.json`;
const runKey = (name: string): string => `${folder(name)}run.json`;
const planKey = (name: string): string => `${folder(name)}plan.json`;
const executionKey = (name: string): string => `${folder(name)}execution.json`;

/** A chunk of a run. */
export interface ChunkPlace {
  readonly name: string;
  readonly chunk: number;
}

/** The chunk of a key; undefined for another key. */
export const parseChunkKey = (key: string): ChunkPlace | undefined => {
  const [, name = '', digits = ''] = /^bulk\/([^/]+)\/plan\/(\d{8})\.jsonl$/.exec(key) ?? [];
  return NAME.test(name) ? { name, chunk: Number(digits) } : undefined;
};

/** The formats of results. */
export const FORMATS = ['jsonl.gz', 'parquet'] as const;
export type BulkFormat = (typeof FORMATS)[number];

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const runSchema = v.object({
  name: v.string(),
  model: v.string(),
  /** All elements are answered by it, whatever is promoted meanwhile. */
  version: v.number(),
  source: v.string(),
  /** The run whose failures are the elements of this one, instead of those of the source. */
  retryOf: v.optional(v.string()),
  /** Elements of a chunk. */
  chunk: count,
  maxConcurrency: count,
  /** The share of failures, 0 to 1, above which the command stops the run. */
  maxFailures: v.number(),
  /** The ending of the files of results. */
  format: v.optional(v.picklist(FORMATS), 'jsonl.gz'),
  /** Columns of the source that the results have, too. */
  join: v.optional(v.array(v.string()), []),
  created: v.string(),
  by: v.string(),
});
export type BulkRun = v.InferOutput<typeof runSchema>;

const planSchema = v.object({
  chunks: count,
  elements: count,
  /** The place in the source behind the last planned element. */
  cursor: v.string(),
  isComplete: v.boolean(),
});
export type BulkPlan = v.InferOutput<typeof planSchema>;

/** A line of a chunk: an element, or rows of a table that lie one behind the other. */
export type PlannedLine = BulkElement | TableSlice;
const lineSchema = v.union([sliceSchema, elementSchema]);

/** The elements of lines of a chunk: those of a slice are made when they are asked for. */
export function* toElements(lines: readonly PlannedLine[]): Generator<BulkElement> {
  for (const line of lines)
    if ('slice' in line) yield* expandSlice(line);
    else yield line;
}

const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;
const JSON_TYPE = 'application/json';
const JSON_OPTIONS: WriteOptions = { contentType: JSON_TYPE };

/** @throws `INTERNAL` for an object that is none of this project */
const read = async <Output>(
  data: ObjectStore,
  key: string,
  schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>,
): Promise<Output | undefined> => {
  const object = await unlessMissing(data.read(key, MAX_DOCUMENT_BYTES));
  if (object === undefined) return undefined;
  try {
    return v.parse(schema, JSON.parse(Buffer.from(object.body).toString('utf8')));
  } catch (cause) {
    throw new ServingError('INTERNAL', `${key} cannot be read: ${messageOf(cause)}`, { cause });
  }
};

/** @throws `NOT_FOUND` */
export const readRun = async (data: ObjectStore, name: string): Promise<BulkRun> => {
  assertRunName(name);
  const run = await read(data, runKey(name), runSchema);
  if (run) return run;
  throw new ServingError('NOT_FOUND', `there is no run ${name}`);
};

/** @throws `CONFLICT` when there is a run of this name */
export const createRun = async (data: ObjectStore, run: BulkRun): Promise<void> => {
  assertRunName(run.name);
  if (await createObject(data, runKey(run.name), JSON.stringify(run), JSON_TYPE)) return;
  const remedy = `go on with it: batch resume ${run.name}, or name another one with --to`;
  throw new ServingError('CONFLICT', `there is a run ${run.name} already; ${remedy}`);
};

const NOTHING: BulkPlan = { chunks: 0, elements: 0, cursor: '', isComplete: false };

export const readPlan = async (data: ObjectStore, name: string): Promise<BulkPlan> =>
  (await read(data, planKey(name), planSchema)) ?? NOTHING;

export const writePlan = (data: ObjectStore, name: string, plan: BulkPlan): Promise<string> =>
  data.write(planKey(name), JSON.stringify(plan), JSON_OPTIONS);

/** The execution that runs the chunks; undefined before the first. */
export const readExecution = async (data: ObjectStore, name: string): Promise<string | undefined> =>
  (await read(data, executionKey(name), v.object({ arn: v.string() })))?.arn;

export const writeExecution = (data: ObjectStore, name: string, arn: string): Promise<string> =>
  data.write(executionKey(name), JSON.stringify({ arn }), JSON_OPTIONS);

/** The lines of a chunk. @throws `NOT_FOUND`, `INTERNAL` */
export const readChunk = async (data: ObjectStore, name: string, chunk: number): Promise<readonly PlannedLine[]> => {
  const key = chunkKey(name, chunk);
  const { body } = await data.read(key, MAX_DOCUMENT_BYTES);
  try {
    const lines = Buffer.from(body).toString('utf8').split('\n');
    return lines.filter(Boolean).map((line) => v.parse(lineSchema, parseExactJson(line)));
  } catch (cause) {
    throw new ServingError('INTERNAL', `${key} cannot be read: ${messageOf(cause)}`, { cause });
  }
};
