import { ServingError } from '../core/errors.ts';

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

/**
 * Parses a JSON body; integers beyond 2^53 become BigInt, so that 64-bit tensors survive. Only a text that may have one pays for that.
 * @throws `INVALID_REQUEST` with the parser's reason
 */
export const parseJsonBody = (body: Uint8Array | string, mustBeExact = mayHaveLongInteger): unknown => {
  if (body.length === 0) throw new ServingError('INVALID_REQUEST', 'the body is empty');
  const text = decodeUtf8(body);
  try {
    return mustBeExact(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text);
  } catch (error) {
    throw new ServingError('INVALID_REQUEST', `the body is not JSON: ${ServingError.from(error).message}`, {
      cause: error,
    });
  }
};
