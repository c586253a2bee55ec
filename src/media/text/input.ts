import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Payload } from '../../core/payload.ts';
import { shorten, show } from '../../core/show.ts';

/** Most texts of one request. */
export const MAX_TEXTS = 1_000;

/** Most UTF-16 units of all texts of a request: each text is tokenised in full before it is cut. */
export const MAX_CHARACTERS = 1_048_576;

/** Most combining marks in a row: sorting them into canonical order takes quadratic time. */
const MAX_MARKS = 256;

/** A text, or a pair of texts, for which a model gives one answer. */
export interface TextInput {
  readonly text: string;
  readonly pair?: string;
}

export interface Texts {
  readonly texts: readonly string[];
  /** Tells that the caller sent a list, which is answered with a list. */
  readonly isList: boolean;
}

export interface TextInputs {
  readonly inputs: readonly TextInput[];
  readonly isList: boolean;
}

/**
 * Reads a text or a list of texts from JSON, or one text from raw UTF-8.
 * @throws `INVALID_INPUT` naming the element, `PAYLOAD_TOO_LARGE` for too many or too long texts, `UNSUPPORTED_MEDIA_TYPE` for raw bytes of
 *   another type
 */
export const toTexts = (payload: Payload): Texts => {
  const { elements, isList } = toElements(payload);
  const texts = elements.map((element, index) => assertText(element, nameOf(index, isList)));
  assertLength(texts);
  return { texts, isList };
};

/** Reads texts and pairs, `{"text": "…", "text_pair": "…"}`. @throws the errors of `toTexts` */
export const toTextInputs = (payload: Payload): TextInputs => {
  const { elements, isList } = toElements(payload);
  const inputs = elements.map((element, index) => toTextInput(element, nameOf(index, isList)));
  assertLength(inputs.flatMap(({ text, pair = '' }) => [text, pair]));
  return { inputs, isList };
};

const nameOf = (index: number, isList: boolean): string => (isList ? `inputs[${index}]` : '"inputs"');

const toElements = ({ inputs, contentType }: Payload): { elements: readonly unknown[]; isList: boolean } => {
  if (inputs instanceof Uint8Array) return { elements: [decodeText(inputs, contentType)], isList: false };
  if (!Array.isArray(inputs)) return { elements: [inputs], isList: false };
  if (inputs.length === 0)
    throw new ServingError('INVALID_INPUT', '"inputs" is an empty list, expected one text or more');
  if (inputs.length > MAX_TEXTS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `"inputs" has ${inputs.length} texts, at most ${MAX_TEXTS} are taken: send them in several requests`,
    );
  return { elements: inputs, isList: true };
};

/** Decodes a raw body, and removes a byte-order mark and the line break at the end. */
const decodeText = (bytes: Uint8Array, contentType = 'application/octet-stream'): string => {
  if (contentType !== 'text/plain' && contentType !== 'application/octet-stream')
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content type ${shorten(contentType)} is no text; send text/plain in UTF-8, or JSON {"inputs": "…"}`,
    );
  // No character takes more than three bytes a UTF-16 unit.
  if (bytes.byteLength > 3 * MAX_CHARACTERS) tooLong(bytes.byteLength, 'bytes');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch (error) {
    throw new ServingError('INVALID_INPUT', 'the text is not UTF-8; convert it, or send JSON {"inputs": "…"}', {
      cause: error,
    });
  }
};

/** @throws `INVALID_INPUT` for what is no text, for half of a character, and for too many combining marks in a row */
export const assertText = (element: unknown, name: string): string => {
  if (typeof element !== 'string')
    throw new ServingError('INVALID_INPUT', `${name} is ${show(element)}, expected a text`);
  if (!element.isWellFormed())
    throw new ServingError(
      'INVALID_INPUT',
      `${name} has a lone surrogate, half of a character (\\ud800 to \\udfff without the other half): it is no Unicode text`,
    );
  assertMarks(element, name);
  return element;
};

/** @throws `INVALID_INPUT` for too many combining marks in a row */
export const assertMarks = (text: string, name: string): void => {
  for (const [marks] of text.matchAll(/\p{M}{2,}/gu))
    if (marks.length > MAX_MARKS)
      throw new ServingError(
        'INVALID_INPUT',
        `${name} has ${marks.length} combining marks in a row, at most ${MAX_MARKS} are taken`,
      );
};

const toTextInput = (element: unknown, name: string): TextInput => {
  if (!isObject(element)) return { text: assertText(element, name) };
  const { text, text_pair: pair, ...others } = element;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new ServingError('INVALID_INPUT', `${name} has a field ${show(unknown)}, a pair has "text" and "text_pair"`);
  return {
    text: assertText(text, `"text" of ${name}`),
    ...(pair !== undefined && { pair: assertText(pair, `"text_pair" of ${name}`) }),
  };
};

const assertLength = (texts: readonly string[]): void =>
  assertCharacters(texts.reduce((sum, { length }) => sum + length, 0));

/** @throws `PAYLOAD_TOO_LARGE` */
export const assertCharacters = (count: number): void => {
  if (count > MAX_CHARACTERS) tooLong(count, 'characters');
};

const tooLong = (size: number, unit: string): never => {
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the text has ${size} ${unit}, at most ${MAX_CHARACTERS} characters are taken in a request`,
  );
};
