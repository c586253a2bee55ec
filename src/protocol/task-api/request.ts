import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { messageOf } from '../../core/message-of.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import { decodeUtf8, parseExactJson, parseJson, parseJsonBody } from '../json.ts';
import { type ObjectReference, parseOutput, parseReference } from './object-reference.ts';

/** The body of a task request: inputs that are there, or a reference to them. */
export type TaskRequest = (Omit<Payload, 'parameters'> | { readonly reference: ObjectReference }) & {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Asks for the answer in chunks: `"stream": true` in a document, as Hugging Face's clients send it. */
  readonly isStreamed?: boolean;
  /** The place that the answer is written to, for what does not fit into a response. */
  readonly output?: ObjectReference;
};

/** https://mimesniff.spec.whatwg.org/#json-mime-type */
const JSON_TYPES = /^(?:text\/json|application\/(?:[a-z0-9.+-]+\+)?json)$/;

/** Media types of JSON Lines: a JSON value on each line. https://jsonlines.org */
const JSON_LINES_TYPES = /^application\/(?:x-)?(?:jsonl|ndjson|jsonlines)$/;

const UNKNOWN_TYPE = 'application/octet-stream';

/** Types that a client sends when nobody chose one: `curl -d` sends the second. */
const UNCHOSEN_TYPES = ['', 'application/x-www-form-urlencoded', UNKNOWN_TYPE];

/**
 * The header that `fetch`, and aiohttp, send with a string when nobody chose one.
 * https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 */
const FETCH_TYPE = /^text\/plain; ?charset="?utf-8"?$/i;

/** `image/jpeg` of `Image/JPEG; q=1`. */
const mediaType = (contentType: string | undefined): string =>
  (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** The characters that may stand before a JSON document: a byte-order mark and spaces. */
const BEFORE_JSON = /^\ufeff?[ \t\r\n]*/;
/** Bytes that are looked at for the beginning of a document. */
const BEGINNING_BYTES = 1_024;

/** The value of a JSON text; undefined for any other text. */
const tryJson = (body: Uint8Array | string): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString().replace(BEFORE_JSON, ''));
  } catch {
    return undefined;
  }
};

/**
 * True for a body that can only be meant as JSON, although its type is not JSON. Without a type it begins as an object, or is a list.
 * The type of `fetch` may stand for a text with braces: there, JSON is an object with `inputs`.
 */
const looksLikeJson = (body: Uint8Array | string, contentType: string, type: string): boolean => {
  const isFetched = FETCH_TYPE.test(contentType);
  if (!isFetched && !UNCHOSEN_TYPES.includes(type)) return false;
  const beginning = typeof body === 'string' ? body : Buffer.from(body.subarray(0, BEGINNING_BYTES)).toString();
  const [before = ''] = BEFORE_JSON.exec(beginning) ?? [];
  const first = beginning[before.length];
  if (first === '[') return !isFetched && tryJson(body) !== undefined;
  if (first !== '{' || !isFetched) return first === '{';
  const document = tryJson(body);
  return isObject(document) && 'inputs' in document;
};

/** The parameter `header` of `text/csv; header=present`. @throws `INVALID_REQUEST` for another value than those of RFC 4180 */
const parseHeader = (contentType = ''): Pick<Payload, 'hasHeader'> => {
  const [, value] = /^\s*(?:text|application)\/csv\s*;(?:.*;)?\s*header\s*=\s*"?([^";]*)/i.exec(contentType) ?? [];
  if (value === undefined) return {};
  const header = value.trim().toLowerCase();
  if (header !== 'present' && header !== 'absent')
    refuse(
      'INVALID_REQUEST',
      `the parameter "header" of the content type is ${show(value)}, expected present or absent`,
    );
  return { hasHeader: header === 'present' };
};

const parseValue = (text: string): unknown => {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
};

/** The parameters in a query: `top_k=3` is the number 3, text that is not JSON is a string. The first value of a name counts. */
const parseQuery = (query: string): Record<string, unknown> => {
  const parameters: Record<string, unknown> = Object.create(null);
  if (query !== '')
    for (const [name, text] of new URLSearchParams(query))
      if (!(name in parameters)) parameters[name] = parseValue(text);
  return { ...parameters };
};

/** Keys that Hugging Face's clients send, and that mean nothing here. */
const IGNORED_KEYS = ['options', 'model'];

/** The parameters of a document: those beside `inputs`, and those in `parameters`, which count more. */
const parseParameters = (beside: Readonly<Record<string, unknown>>, parameters: unknown): Record<string, unknown> => {
  const given = parameters ?? {};
  if (!isObject(given)) return refuse('INVALID_REQUEST', `"parameters" is ${show(parameters)}, expected an object`);
  const meant = Object.entries(beside).filter(([name]) => !IGNORED_KEYS.includes(name));
  return { ...Object.fromEntries(meant), ...given };
};

const parseStream = (stream: unknown): boolean => {
  if (stream === undefined || stream === null || typeof stream === 'boolean') return stream === true;
  return refuse('INVALID_REQUEST', `"stream" is ${show(stream)}, expected true or false`);
};

/** Keys that some releases of huggingface_hub send beside `inputs`, which is null then, or is not there. */
const INSTEAD_OF_INPUTS = [['table'], ['source_sentence', 'sentences']];

/** The document with such keys as its inputs. */
const withInputs = (document: unknown): unknown => {
  if (!isObject(document) || (document.inputs ?? null) !== null) return document;
  const keys = INSTEAD_OF_INPUTS.find((all) => all.every((key) => key in document));
  if (keys === undefined) return document;
  const { inputs: _null, ...given } = document;
  const isInput = ([key]: readonly [string, unknown]): boolean => keys.includes(key);
  const beside = Object.entries(given).filter((entry) => !isInput(entry));
  return { ...Object.fromEntries(beside), inputs: Object.fromEntries(Object.entries(given).filter(isInput)) };
};

const parseDocument = (body: Uint8Array | string, query: Record<string, unknown>): TaskRequest => {
  const document = withInputs(parseJsonBody(body));
  if (!isObject(document) || !('inputs' in document))
    return refuse('INVALID_REQUEST', 'the JSON body needs "inputs": {"inputs": …, "parameters": {…}}');
  const { inputs, parameters, stream, output, ...beside } = document;
  const rest = {
    parameters: { ...query, ...parseParameters(beside, parameters) },
    ...(parseStream(stream) && { isStreamed: true }),
    ...(output !== undefined && { output: parseOutput(output) }),
  };
  return isObject(inputs) && 's3' in inputs ? { reference: parseReference(inputs), ...rest } : { inputs, ...rest };
};

/** The values of a JSON Lines body; empty lines are passed over. @throws `INVALID_REQUEST` naming the line */
export const parseJsonLines = (body: Uint8Array | string): unknown[] =>
  decodeUtf8(body)
    .split('\n')
    .flatMap((line, index): unknown[] => {
      if (line.trim() === '') return [];
      try {
        return [parseExactJson(line)];
      } catch (error) {
        const problem = error instanceof RangeError ? messageOf(error) : `it is not JSON: ${show(line)}`;
        return refuse('INVALID_REQUEST', `line ${index + 1}: ${problem}; expected one JSON value a line`);
      }
    });

/**
 * A raw body with its content type and its parameters in the query, JSON `{"inputs", "parameters"}`, or JSON Lines, whose lines are a list of inputs.
 * @throws `INVALID_REQUEST`
 */
export const parseTaskRequest = (
  body: Uint8Array | string,
  contentType: string | undefined,
  query: string,
): TaskRequest => {
  if (body.length === 0)
    return refuse('INVALID_REQUEST', 'the body is empty; send the input itself, or JSON {"inputs": …}');
  const type = mediaType(contentType);
  if (JSON_TYPES.test(type) || looksLikeJson(body, contentType ?? '', type))
    return parseDocument(body, parseQuery(query));
  if (JSON_LINES_TYPES.test(type)) return { inputs: parseJsonLines(body), parameters: parseQuery(query) };
  return {
    inputs: typeof body === 'string' ? Buffer.from(body) : body,
    contentType: type || UNKNOWN_TYPE,
    parameters: parseQuery(query),
    ...parseHeader(contentType),
  };
};
