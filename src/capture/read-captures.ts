import { promisify } from 'node:util';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { capturesPrefix } from './keys.ts';
import { ARMS, type CaptureRecord } from './record.ts';

/** An object that cannot be read, with the reason: it is left out. */
export interface Damaged {
  readonly key: string;
  readonly problem: string;
}

/** An object has some hundred records; a larger one is none of ours. */
const MAX_OBJECT_BYTES = 16 * 1024 * 1024;
const MAX_TEXT_BYTES = 256 * 1024 * 1024;
/** Objects that are read side by side. */
const LANES = 8;

const decompress = (body: Uint8Array): Promise<Uint8Array> =>
  promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(process.getBuiltinModule('node:zlib').gunzip)(body, {
    maxOutputLength: MAX_TEXT_BYTES,
  });

const isRecord = (value: unknown): value is CaptureRecord =>
  isObject(value) &&
  typeof value.id === 'string' &&
  typeof value.row === 'number' &&
  typeof value.version === 'number' &&
  typeof value.time === 'string' &&
  typeof value.status === 'string' &&
  ARMS.some((arm) => arm === value.arm);

/**
 * Records without `input`, which has up to 64 KiB.
 * @throws Error for a line that is no record
 */
const parseLines = (text: string): CaptureRecord[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const value: unknown = JSON.parse(line);
      if (!isRecord(value)) throw new Error(`line ${index + 1} is no record of a prediction`);
      const { input: _input, ...record } = value;
      return record;
    });

/** Keys of the capture objects of a model and day; those of one hour, `07`, when it is given. */
export const listCaptures = async (data: ObjectStore, model: string, day: string, hour = ''): Promise<string[]> => {
  const keys: string[] = [];
  const prefix = `${capturesPrefix(model, day)}${hour === '' ? '' : `${hour}-`}`;
  for await (const { key } of data.list(prefix)) if (key.endsWith('.jsonl.gz')) keys.push(key);
  return keys.sort();
};

/** The records of an object; undefined when it was deleted meanwhile. */
const readObject = async (data: ObjectStore, key: string): Promise<CaptureRecord[] | Damaged | undefined> => {
  try {
    const { body } = await data.read(key, MAX_OBJECT_BYTES);
    return parseLines(Buffer.from(await decompress(body)).toString('utf8'));
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (code === 'MODEL_UNAVAILABLE') throw error;
    return code === 'NOT_FOUND' ? undefined : { key, problem: message };
  }
};

/**
 * Reads capture objects side by side, in no particular order: all of them need not fit into memory.
 * @param take gets the records of one object
 * @returns the damaged ones, which are left out
 * @throws `MODEL_UNAVAILABLE` when S3 does not answer, and what `take` throws
 */
export const eachCapture = async (
  data: ObjectStore,
  keys: readonly string[],
  take: (records: readonly CaptureRecord[], key: string) => void | Promise<void>,
): Promise<Damaged[]> => {
  const damaged: Damaged[] = [];
  const next = keys.values();
  const lane = async (): Promise<void> => {
    for (const key of next) {
      const read = await readObject(data, key);
      if (Array.isArray(read)) await take(read, key);
      else if (read !== undefined) damaged.push(read);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return damaged.sort((one, other) => (one.key < other.key ? -1 : 1));
};
