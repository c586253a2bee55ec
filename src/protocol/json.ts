import { ServingError } from '../core/errors.ts';
import { messageOf } from '../core/message-of.ts';

/**
 * An integer of so many digits may lie beyond 2^53; digits behind a decimal point do not count. The pattern lists the characters that may
 * stand before a number, because that searches 3 MB of floats in a fourth of the time.
 */
const LONG_INTEGER = /[-,:[ \t\r\n][0-9]{16,}(?![0-9.eE])/;
const INTEGER = /^-?[0-9]+$/;

/** A reviver that sees the text of a number as its source. https://tc39.es/proposal-json-parse-with-source */
type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

const exactIntegers: Reviver = (_key, value, { source } = {}) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && INTEGER.test(source)
    ? BigInt(source)
    : value;

const BYTE_ORDER_MARK = '\ufeff';

/** The text of a body without a byte-order mark; a string has been decoded already. @throws `INVALID_REQUEST` when it is not UTF-8 */
export const decodeUtf8 = (bytes: Uint8Array | string): string => {
  if (typeof bytes === 'string') return bytes.startsWith(BYTE_ORDER_MARK) ? bytes.slice(1) : bytes;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ServingError('INVALID_REQUEST', 'the body is not UTF-8', { cause: error });
  }
};

/** True if a text may have an integer that must not lose digits. */
const mayHaveLongInteger = (text: string): boolean => LONG_INTEGER.test(text);

/** `mayHaveLongInteger` for tensors: only INT64 and UINT64 have digits to lose. The search for these words, or for escaped letters, takes no time. */
export const mayHaveLongElement = (text: string): boolean =>
  (text.includes('INT64') || text.includes('\\u')) && mayHaveLongInteger(text);

/** Lists and objects within one another. Code that walks over a caller's JSON may call itself for each of them. */
export const MOST_LEVELS = 500;

/** True for a text with more brackets than levels. The search takes no time beside the parser's. */
const mayBeDeep = (text: string): boolean => {
  let count = 0;
  for (const bracket of '[{')
    for (let at = text.indexOf(bracket); at !== -1 && count <= MOST_LEVELS; at = text.indexOf(bracket, at + 1))
      count += 1;
  return count > MOST_LEVELS;
};

/** A loop without copies takes a third of the parser's time for tables and pictures; `Object.values` and `some` take as long as the parser. */
const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const part of Array.isArray(value) ? value : Object.values(value))
    if (typeof part === 'object' && isDeeper(part, levels - 1)) return true;
  return false;
};

/**
 * The value of a JSON text that somebody sent or a model wrote.
 * @throws `SyntaxError`, `RangeError` for lists and objects of more than `MOST_LEVELS` levels
 */
export const parseJson = (text: string, reviver?: Reviver): unknown => {
  const isSuspect = mayBeDeep(text);
  const value: unknown = reviver === undefined || isSuspect ? JSON.parse(text) : JSON.parse(text, reviver);
  if (isSuspect && isDeeper(value, MOST_LEVELS))
    throw new RangeError(`lists and objects are nested too deep: more than ${MOST_LEVELS} levels`);
  return isSuspect && reviver !== undefined ? JSON.parse(text, reviver) : value;
};

/**
 * The value of a JSON text whose integers beyond 2^53 become BigInt. Only a text that may have one pays for that.
 * @throws the errors of `parseJson`
 */
export const parseExactJson = (text: string, mustBeExact = mayHaveLongInteger): unknown =>
  parseJson(text, mustBeExact(text) ? exactIntegers : undefined);

declare global {
  interface JSON {
    /** https://tc39.es/proposal-json-parse-with-source/#sec-json.rawjson */
    rawJSON(text: string): unknown;
  }
}

/** The JSON text of a value of `parseExactJson`. */
export const toExactJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? JSON.rawJSON(String(part)) : part));

/**
 * Parses a JSON body; integers beyond 2^53 become BigInt, so that 64-bit tensors survive.
 * @throws `INVALID_REQUEST` with the parser's reason
 */
export const parseJsonBody = (body: Uint8Array | string, mustBeExact = mayHaveLongInteger): unknown => {
  if (body.length === 0) throw new ServingError('INVALID_REQUEST', 'the body is empty');
  const text = decodeUtf8(body);
  try {
    return parseExactJson(text, mustBeExact);
  } catch (error) {
    const begins = error instanceof SyntaxError ? 'the body is not JSON: ' : 'in the body, ';
    throw new ServingError('INVALID_REQUEST', begins + messageOf(error), { cause: error });
  }
};
