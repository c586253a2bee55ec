import * as v from 'valibot';
import type { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { attemptKey, type ChunkPlace, progressKey } from './bulk-run.ts';
import { type ElementLine, lineSchema } from './chunk-end.ts';

/** Attempts that ended while an element ran alone, after which it is not tried again. */
const MOST_DEATHS = 2;

/** The trace of an attempt at a chunk. */
const attemptSchema = v.object({
  /** The element that runs alone; undefined while several run together. */
  running: v.optional(v.number()),
  /** Attempts that ended while an element ran alone, by its position. */
  deaths: v.record(v.string(), v.number()),
  /** The attempt has ended without its process, and no element is to blame. */
  isOver: v.optional(v.boolean()),
});
type Attempt = v.InferOutput<typeof attemptSchema>;

const parse = <Output>(schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>, body: Uint8Array): Output =>
  v.parse(schema, JSON.parse(Buffer.from(body).toString('utf8')));

/** The traces that the last attempt at a chunk has left. */
export interface Trace {
  readonly last: Attempt | undefined;
  /** The elements that are done, in their order. */
  readonly lines: ElementLine[];
}

export const readTrace = async (data: ObjectStore, { name, chunk }: ChunkPlace): Promise<Trace> => {
  const [last, progress] = await Promise.all([
    unlessMissing(data.read(attemptKey(name, chunk))),
    unlessMissing(data.read(progressKey(name, chunk))),
  ]);
  return {
    last: last && parse(attemptSchema, last.body),
    lines: progress ? parse(v.array(lineSchema), progress.body) : [],
  };
};

/** Looks back at the last attempt, and forward for the next one. */
export const beginAttempt = async (data: ObjectStore, { name, chunk }: ChunkPlace, { last, lines }: Trace) => {
  const died = last?.running === undefined ? {} : { [last.running]: (last.deaths[last.running] ?? 0) + 1 };
  const deaths: Attempt['deaths'] = { ...last?.deaths, ...died };
  const before = lines.length;
  const write = async (attempt: Attempt): Promise<void> => {
    await data.write(attemptKey(name, chunk), JSON.stringify(attempt));
  };
  await write({ deaths });
  return {
    lines,
    /** The last attempt ended with its process, or without a single element: this one runs each element alone. */
    isApart: last !== undefined && (last.isOver !== true || Object.keys(deaths).length > 0),
    isHopeless: (index: number): boolean => (deaths[index] ?? 0) >= MOST_DEATHS,
    note: (running: number): Promise<void> => write({ running, deaths }),
    /** Keeps what is done for the next attempt. An element that used up the whole time alone is to blame for that. */
    end: async (error: ServingError): Promise<void> => {
      const isStuck = error.code === 'DEADLINE_EXCEEDED' && lines.length === before;
      if (lines.length > before) await data.write(progressKey(name, chunk), JSON.stringify(lines));
      if (!isStuck) await write({ deaths, isOver: true });
    },
  };
};
export type ChunkAttempt = Awaited<ReturnType<typeof beginAttempt>>;
