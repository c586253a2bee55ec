import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';

const DATA_URL = /^data:([a-z0-9.+/-]*)(?:;[^,;]*)*?(;base64)?,/i;
/** Matches each text in one way only, so that the time is linear. */
const BASE64 = /^[A-Za-z0-9+/\s_-]*={0,2}$/;

/** A kind of file that a task expects. */
export interface FileKind {
  /** The word for one file in messages, which begins with a vowel: `image`. */
  readonly noun: string;
  /** Media type for examples. */
  readonly example: string;
  /** Checks a media type other than `application/octet-stream`. @throws `UNSUPPORTED_MEDIA_TYPE` for a type of another kind */
  assertType(contentType: string): void;
}

/** Files of one request, not decoded yet. */
export interface InputFiles {
  readonly files: readonly Uint8Array[];
  /** Tells that the caller sent a list, which is answered with a list. */
  readonly isList: boolean;
}

const UNKNOWN_TYPE = 'application/octet-stream'; // the first bytes of the file tell its format

const assertType = (kind: FileKind, contentType: string): void => {
  if (contentType !== UNKNOWN_TYPE) kind.assertType(contentType);
};

const fromBase64 = (text: string, { noun }: FileKind, place: string): Uint8Array => {
  const bytes = BASE64.test(text.trimEnd()) ? Buffer.from(text, 'base64') : undefined;
  if (bytes === undefined || bytes.byteLength === 0)
    throw new ServingError(
      'INVALID_REQUEST',
      `"${place}" is no base64, expected the bytes of an ${noun} as base64 or as a data URL`,
    );
  return bytes;
};

/** @param place the name of the value in messages */
const toFileBytes = (value: unknown, contentType: string | undefined, kind: FileKind, place: string): Uint8Array => {
  if (value instanceof Uint8Array) {
    assertType(kind, contentType ?? UNKNOWN_TYPE);
    return value;
  }
  if (typeof value !== 'string')
    throw new ServingError(
      'INVALID_REQUEST',
      `"${place}" has to be an ${kind.noun} as base64 or as a data URL${place === 'inputs' ? ', or {"s3": "uploads/…"}' : ''}`,
    );
  const url = value.startsWith('data:') ? DATA_URL.exec(value.slice(0, 256)) : undefined;
  if (url === undefined) return fromBase64(value, kind, place);
  if (url === null || url[2] === undefined)
    throw new ServingError(
      'INVALID_REQUEST',
      `the data URL under "${place}" has to be base64: data:${kind.example};base64,…`,
    );
  assertType(kind, url[1]?.toLowerCase() || UNKNOWN_TYPE);
  return fromBase64(value.slice(url[0].length), kind, place);
};

/**
 * Reads one file or a list of at most `most` files. A file is raw bytes, base64, or a data URL; in a list, one of the latter two.
 *
 * @throws `INVALID_REQUEST` for an element that is no file, `INVALID_INPUT` for an empty list, `PAYLOAD_TOO_LARGE` for a longer list,
 *   `UNSUPPORTED_MEDIA_TYPE` for a media type of another kind
 */
export const toInputFiles = ({ inputs, contentType }: Payload, kind: FileKind, most: number): InputFiles => {
  if (!Array.isArray(inputs)) return { files: [toFileBytes(inputs, contentType, kind, 'inputs')], isList: false };
  if (inputs.length === 0)
    throw new ServingError('INVALID_INPUT', `"inputs" is an empty list, expected one ${kind.noun} or more`);
  if (inputs.length > most)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `"inputs" has ${inputs.length} ${kind.noun}s, at most ${most} are taken: send them in several requests`,
    );
  const files = inputs.map((input: unknown, index) => toFileBytes(input, undefined, kind, `inputs[${index}]`));
  return { files, isList: true };
};

/** Waits for the work on the file at `index`. @throws the error of `work`; in a list its message names the file */
export const namingFile = async <T>({ isList }: InputFiles, index: number, work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    const { code, message } = ServingError.from(cause);
    throw isList ? new ServingError(code, `inputs[${index}]: ${message}`, { cause }) : cause;
  });
