import { ServingError } from '../core/errors.ts';

const DATA_URL = /^data:([a-z0-9.+/-]*)(?:;[^,;]*)*?(;base64)?,/i;
/** One way to match each text, so that it is read once. */
const BASE64 = /^[A-Za-z0-9+/\s_-]*={0,2}$/;

/** What a task expects a file to be. */
export interface FileKind {
  /** As messages name it, such as `picture`. */
  readonly name: string;
  /** A media type for examples. */
  readonly example: string;
  /** @throws `UNSUPPORTED_MEDIA_TYPE` for a type that is none of this kind; `application/octet-stream` is never asked about */
  assertType(contentType: string): void;
}

const UNKNOWN_TYPE = 'application/octet-stream'; // the bytes say what they are

const assertType = ({ assertType: assertKnown }: FileKind, contentType: string): void => {
  if (contentType !== UNKNOWN_TYPE) assertKnown(contentType);
};

const fromBase64 = (text: string, { name }: FileKind, where: string): Uint8Array => {
  const bytes = BASE64.test(text.trimEnd()) ? Buffer.from(text, 'base64') : undefined;
  if (bytes === undefined || bytes.byteLength === 0)
    throw new ServingError(
      'INVALID_REQUEST',
      `"${where}" is no base64, expected the bytes of a ${name} as base64 or as a data URL`,
    );
  return bytes;
};

/**
 * The file that a caller sent: raw bytes, base64, or a data URL.
 * @param where names the value in messages
 * @throws `INVALID_REQUEST` when it is none of these; `UNSUPPORTED_MEDIA_TYPE` for a type of another kind
 */
export const toFileBytes = (
  value: unknown,
  contentType: string | undefined,
  kind: FileKind,
  where = 'inputs',
): Uint8Array => {
  if (value instanceof Uint8Array) {
    assertType(kind, contentType ?? UNKNOWN_TYPE);
    return value;
  }
  if (typeof value !== 'string')
    throw new ServingError(
      'INVALID_REQUEST',
      `"${where}" has to be a ${kind.name} as base64 or as a data URL${where === 'inputs' ? ', or {"s3": "uploads/…"}' : ''}`,
    );
  const url = value.startsWith('data:') ? DATA_URL.exec(value.slice(0, 256)) : undefined;
  if (url === undefined) return fromBase64(value, kind, where);
  if (url === null || url[2] === undefined)
    throw new ServingError(
      'INVALID_REQUEST',
      `the data URL under "${where}" has to be base64: data:${kind.example};base64,…`,
    );
  assertType(kind, url[1]?.toLowerCase() || UNKNOWN_TYPE);
  return fromBase64(value.slice(url[0].length), kind, where);
};
