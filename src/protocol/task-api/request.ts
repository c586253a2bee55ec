import { S3_KEY_BYTES } from '../../core/aws-limits.ts';
import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { decodeUtf8, parseJsonBody } from '../json.ts';

/** An object in the project's own data bucket, for what does not fit into a request. */
export interface ObjectReference {
  readonly s3: string;
}

/** The body of a task request: inputs that are there, or a reference to them. */
export type TaskRequest = (
  | { readonly inputs: unknown; readonly contentType?: string }
  | { readonly reference: ObjectReference }
) & { readonly parameters: Readonly<Record<string, unknown>> };

export const UPLOADS_PREFIX = 'uploads/';

const JSON_TYPES = /^application\/(?:[a-z0-9.+-]+\+)?json$/;

/** Media types of JSON Lines: a JSON value on each line. https://jsonlines.org */
const JSON_LINES_TYPES = /^application\/(?:x-)?(?:jsonl|ndjson|jsonlines)$/;

/** `image/jpeg` of `Image/JPEG; q=1`. */
const mediaType = (contentType: string | undefined): string =>
  (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() || 'application/octet-stream';

/** @throws `INVALID_REQUEST` for a key that is not a plain one below `uploads/` */
export const parseReference = (key: unknown): ObjectReference => {
  if (
    typeof key !== 'string' ||
    !key.startsWith(UPLOADS_PREFIX) ||
    !key.isWellFormed() ||
    Buffer.byteLength(key) > S3_KEY_BYTES ||
    key.split('/').some((part) => part === '..' || part === '.')
  )
    return refuse(
      'INVALID_REQUEST',
      `"s3" is ${show(key)}, expected the key of an object below "${UPLOADS_PREFIX}" in the data bucket`,
    );
  return { s3: key };
};

const parseValue = (text: string): unknown => {
  try {
    return JSON.parse(text);
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

const parseDocument = (body: Uint8Array | string, query: Record<string, unknown>): TaskRequest => {
  const document = parseJsonBody(body);
  if (!isObject(document) || !('inputs' in document))
    return refuse('INVALID_REQUEST', 'the JSON body needs "inputs": {"inputs": …, "parameters": {…}}');
  const { inputs, parameters = {} } = document;
  if (!isObject(parameters))
    return refuse('INVALID_REQUEST', `"parameters" is ${show(parameters)}, expected an object`);
  const all = { ...query, ...parameters };
  if (isObject(inputs) && 's3' in inputs) return { reference: parseReference(inputs.s3), parameters: all };
  return { inputs, parameters: all };
};

/** The values of a JSON Lines body; empty lines are passed over. @throws `INVALID_REQUEST` naming the line */
export const parseJsonLines = (body: Uint8Array | string): unknown[] =>
  decodeUtf8(body)
    .split('\n')
    .flatMap((line, index): unknown[] => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line)];
      } catch {
        return refuse(
          'INVALID_REQUEST',
          `line ${index + 1} is not JSON: ${show(line)}; expected one JSON value a line`,
        );
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
  if (JSON_TYPES.test(type)) return parseDocument(body, parseQuery(query));
  if (JSON_LINES_TYPES.test(type)) return { inputs: parseJsonLines(body), parameters: parseQuery(query) };
  return {
    inputs: typeof body === 'string' ? Buffer.from(body) : body,
    contentType: type,
    parameters: parseQuery(query),
  };
};
