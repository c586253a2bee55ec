import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { ServingError } from '../core/errors.ts';
import { createQueue } from '../core/queue.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { captureObjectKey } from './keys.ts';
import type { CaptureRecord } from './record.ts';

export interface CaptureBufferOptions {
  readonly data: ObjectStore;
  /** Told of records that no object has, by model. */
  readonly onLost: (model: string, records: number, error: ServingError) => void;
  readonly nowMs: () => number;
}

/** Keeps records until there are enough for an object. */
export interface CaptureBuffer {
  /** Resolves when the records that were due are written. Never rejects. */
  add(records: readonly CaptureRecord[]): Promise<void>;
  /** Writes all records. Never rejects. */
  flush(): Promise<void>;
  /** Writes all records for the last time: those that are not taken are lost. Never rejects. */
  end(): Promise<void>;
}

const FLUSH_RECORDS = 100;
const FLUSH_MS = 60_000;
/** Records that are kept while S3 refuses them; older ones are lost. */
const MOST_RECORDS = 1_000;

/** zlib is loaded with the first records: a cold start is shorter without it. */
const compress = (text: string): Promise<Uint8Array> => promisify(process.getBuiltinModule('node:zlib').gzip)(text);

/** The records of one object: those of a model and an hour. */
const groupsOf = (records: readonly CaptureRecord[]): CaptureRecord[][] => [
  ...Map.groupBy(records, ({ model, time }) => `${model} ${time.slice(0, 13)}`).values(),
];

/** JSON Lines, compressed. */
const toObject = (records: readonly CaptureRecord[]): Promise<Uint8Array> =>
  compress(records.map((record) => `${JSON.stringify(record)}\n`).join(''));

const tellLost = (onLost: CaptureBufferOptions['onLost'], records: readonly CaptureRecord[], error: unknown): void => {
  for (const [model, { length }] of Map.groupBy(records, ({ model }) => model))
    onLost(model, length, ServingError.from(error));
};

export const createCaptureBuffer = ({ data, onLost, nowMs }: CaptureBufferOptions): CaptureBuffer => {
  const environment = randomBytes(4).toString('hex');
  const oneByOne = createQueue();
  let waiting: CaptureRecord[] = [];
  let objects = 0;
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let lastError: unknown;

  /** Keeps the newest of the records that could not be written. */
  const keep = (records: readonly CaptureRecord[], error: unknown): void => {
    lastError = error;
    const all = [...records, ...waiting];
    tellLost(onLost, all.slice(0, Math.max(0, all.length - MOST_RECORDS)), error);
    waiting = all.slice(-MOST_RECORDS);
  };

  const write = async (records: readonly CaptureRecord[]): Promise<void> => {
    const [first] = records;
    if (first === undefined) return;
    const key = captureObjectKey(first.model, Date.parse(first.time), environment, objects++);
    try {
      await data.write(key, await toObject(records), { contentType: 'application/gzip' });
    } catch (error) {
      keep(records, error);
    }
  };

  const schedule = (): void => {
    dueMs = nowMs() + FLUSH_MS;
    clearTimeout(timer);
    timer = setTimeout(() => void flush(), FLUSH_MS).unref();
  };

  const flush = (): Promise<void> =>
    oneByOne(async () => {
      const records = waiting;
      waiting = [];
      clearTimeout(timer);
      dueMs = Number.POSITIVE_INFINITY;
      await Promise.all(groupsOf(records).map(write));
      if (waiting.length > 0) schedule();
    });

  return {
    flush,
    async end() {
      await flush();
      tellLost(onLost, waiting.splice(0), lastError);
    },
    async add(records) {
      if (waiting.length === 0 && records.length > 0) schedule();
      const before = waiting.length;
      waiting.push(...records);
      // Full again only after as many further records: while S3 refuses, not every request tries it.
      const isFull = Math.floor(waiting.length / FLUSH_RECORDS) > Math.floor(before / FLUSH_RECORDS);
      if (isFull || nowMs() >= dueMs) await flush();
    },
  };
};
