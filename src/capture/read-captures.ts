import { promisify } from 'node:util';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { capturesPrefix } from './keys.ts';
import { ARMS, type CaptureRecord } from './record.ts';

/** The records of a time, without the inputs themselves, and what could not be read. */
export interface ReadCaptures {
  readonly records: readonly CaptureRecord[];
  readonly objects: number;
  /** Keys of objects that are damaged, each with the reason: they are left out. */
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
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
 * Records without `input`: a day of them has to fit into memory, and an input has up to 64 KiB.
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

/** Reads capture objects. A damaged one is named and left out. @throws `MODEL_UNAVAILABLE` when S3 does not answer */
export const readCaptures = async (data: ObjectStore, keys: readonly string[]): Promise<ReadCaptures> => {
  const records: CaptureRecord[] = [];
  const damaged: { key: string; problem: string }[] = [];
  const next = keys.values();
  const lane = async (): Promise<void> => {
    for (const key of next) {
      try {
        const { body } = await data.read(key, MAX_OBJECT_BYTES);
        for (const record of parseLines(Buffer.from(await decompress(body)).toString('utf8'))) records.push(record);
      } catch (error) {
        const { code, message } = ServingError.from(error);
        if (code === 'MODEL_UNAVAILABLE') throw error;
        if (code !== 'NOT_FOUND') damaged.push({ key, problem: message }); // deleted meanwhile
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { records, objects: keys.length, damaged };
};
