import * as v from 'valibot';
import type { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import { createObject } from '../../repository/stores/create-object.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { attemptKey, type BulkRun, type ChunkPlace, furtherAttemptKey, hopelessKey, progressKey } from './bulk-run.ts';
import { type ChunkEnd, createChunkLines, type ElementLines, linesSchema, readDone } from './chunk-end.ts';

/** Attempts that ended while an element ran alone, after which it is not tried again. */
const MOST_DEATHS = 2;

/** A chunk and the child that answers it, whose attempts follow each other. */
export interface ChildPlace extends ChunkPlace {
  readonly child: string;
}

/** The trace of an attempt at a chunk. */
const attemptSchema = v.object({
  /** The child that made it. For the next attempt of the same child it has ended; others may run beside it. */
  child: v.optional(v.string()),
  /** The element that runs alone; undefined while several run together. */
  running: v.optional(v.number()),
  /** Attempts that ended while an element ran alone, by its position. */
  deaths: v.record(v.string(), v.number()),
  /** The attempt has ended without its process, and no element is to blame. */
  isOver: v.optional(v.boolean()),
});
type Attempt = v.InferOutput<typeof attemptSchema>;
const hopelessSchema = v.array(v.number());

/** Facts about earlier attempts at a chunk. */
interface Trace {
  /** The object of the attempts of this child. */
  readonly key: string;
  /** The last attempt of this child; undefined before its first. */
  readonly last: Attempt | undefined;
  /** The positions of elements that are given up. */
  readonly hopeless: readonly number[];
  /** The elements that are done, from the first one on. */
  readonly done: ElementLines | undefined;
}

const toBody = (attempt: Attempt): string => JSON.stringify(attempt);

const read = async <Output>(
  data: ObjectStore,
  key: string,
  schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>,
): Promise<Output | undefined> => {
  const found = await unlessMissing(data.read(key));
  return found && v.parse(schema, JSON.parse(Buffer.from(found.body).toString('utf8')));
};

/** Notes the first attempt at a chunk. @returns the facts about earlier ones, of this child or of others */
const claim = async (data: ObjectStore, { name, chunk, child }: ChildPlace): Promise<Trace | undefined> => {
  const firstKey = attemptKey(name, chunk);
  if (await createObject(data, firstKey, toBody({ child, deaths: {} }), 'application/json')) return undefined;
  const [first, hopeless = [], done] = await Promise.all([
    read(data, firstKey, attemptSchema),
    read(data, hopelessKey(name, chunk), hopelessSchema),
    read(data, progressKey(name, chunk), v.unknown()),
  ]);
  const ownKey = furtherAttemptKey(name, chunk, child);
  const own =
    first?.child === child
      ? { key: firstKey, last: first }
      : { key: ownKey, last: await read(data, ownKey, attemptSchema) };
  // An earlier version kept what is done in another form: the attempt after it begins at the first element.
  return { ...own, hopeless, done: v.is(linesSchema, done) ? done : undefined };
};

/**
 * Notes an attempt at a chunk, after a look at the one before it.
 * @returns the end of the chunk if it is done
 */
export const beginAttempt = async (data: ObjectStore, run: BulkRun, place: ChildPlace) => {
  const { name, chunk, child } = place;
  const trace = await claim(data, place);
  const known = trace && (await readDone(data, run, chunk));
  if (known) return known.end;
  const last = trace?.last;
  const died = last?.running === undefined ? {} : { [last.running]: (last.deaths[last.running] ?? 0) + 1 };
  const deaths: Attempt['deaths'] = { ...last?.deaths, ...died };
  const blamed = Object.keys(deaths).filter((index) => (deaths[index] ?? 0) >= MOST_DEATHS);
  const hopeless = new Set([...(trace?.hopeless ?? []), ...blamed.map(Number)]);
  const lines = createChunkLines(run, trace?.done);
  const before = lines.done();
  const write = async (attempt: Attempt): Promise<void> => {
    await data.write(trace?.key ?? attemptKey(name, chunk), toBody({ child, ...attempt }));
  };
  if (trace) await write({ deaths });
  if (hopeless.size > (trace?.hopeless.length ?? 0))
    await data.write(hopelessKey(name, chunk), JSON.stringify([...hopeless]));
  return {
    lines,
    /** The last attempt ended with its process, or without a single element: this one runs each element alone. */
    isApart: hopeless.size > 0 || (last !== undefined && (last.isOver !== true || Object.keys(deaths).length > 0)),
    isHopeless: (index: number): boolean => hopeless.has(index),
    note: (running: number): Promise<void> => write({ running, deaths }),
    /** Keeps what is done for the next attempt. An element that used up the whole time alone is to blame for that. */
    end: async (error: ServingError): Promise<void> => {
      const isStuck = error.code === 'DEADLINE_EXCEEDED' && lines.done() === before;
      if (lines.done() > before) await data.write(progressKey(name, chunk), JSON.stringify(lines.joined()));
      if (!isStuck) await write({ deaths, isOver: true });
    },
  };
};
export type ChunkAttempt = Exclude<Awaited<ReturnType<typeof beginAttempt>>, ChunkEnd>;
