import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { show } from '../core/show.ts';
import { type ContentHeaders, decodeContent } from '../protocol/content.ts';
import {
  INPUTS_PREFIX,
  MAX_INPUT_BYTES,
  MAX_JSON_BYTES,
  type ObjectReference,
  ownerOf,
  UPLOADS_PREFIX,
} from '../protocol/task-api/object-reference.ts';
import { parseTaskRequest, type TaskRequest } from '../protocol/task-api/request.ts';
import { decodedMediaType, decodePayload } from './input-decoders.ts';
import type { Serving } from './serving.ts';

/** Media type of objects whose name says nothing. Their bytes are looked at: most uploaders set no content type. */
const UNKNOWN_TYPE = 'application/octet-stream';
const JSON_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.ndjson': 'application/x-ndjson',
};
const TEXT_TYPES: Readonly<Record<string, string>> = { '.txt': 'text/plain', '.csv': 'text/csv' };

/** The request in the bytes of an object; a large one without a known name is not looked through for JSON. @throws `INVALID_REQUEST` */
const parseBody = async (key: string, body: Uint8Array | string): Promise<TaskRequest> => {
  const [extension = ''] = /\.[^./]*$/.exec(key.toLowerCase()) ?? [];
  const type = JSON_TYPES[extension] ?? TEXT_TYPES[extension] ?? (await decodedMediaType(extension)) ?? UNKNOWN_TYPE;
  if (body.length <= MAX_JSON_BYTES) return parseTaskRequest(body, type, '');
  if (extension in JSON_TYPES)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `${key} has ${body.length} bytes, JSON may have ${MAX_JSON_BYTES}; upload the input itself`,
    );
  return { inputs: Buffer.from(body), contentType: type, parameters: {} };
};

/**
 * The payload in an object of the data bucket. `.json` holds a task request, and so does JSON under a name that says nothing; `.jsonl` and `.ndjson`
 * hold a list of inputs. Any other object is the input itself.
 * @throws `INVALID_REQUEST`, the errors of `decodeContent`
 */
export const parseObject = async (key: string, object: Uint8Array, content: ContentHeaders = {}): Promise<Payload> => {
  const body = await decodeContent(object, content, MAX_INPUT_BYTES);
  if (body.length === 0)
    throw new ServingError('INVALID_REQUEST', `${key} is empty; upload the input itself, or JSON {"inputs": …}`);
  const request = await parseBody(key, body);
  if ('reference' in request)
    throw new ServingError('INVALID_REQUEST', `${key} refers to another object; upload that one itself`);
  if (request.output)
    throw new ServingError('INVALID_REQUEST', `${key} has "output", which stands in the request that refers to it`);
  return decodePayload(request);
};

/** Refuses a caller who may not use the uploads for a model. @throws `FORBIDDEN` */
export type AssertAllowed = (model: string) => Promise<void>;

/** @throws `FORBIDDEN` before anything is read when the object belongs to another model that is out of reach */
export const assertReachable = async (
  reference: ObjectReference,
  model: string,
  { references }: Serving,
  assertAllowed: AssertAllowed,
): Promise<void> => {
  const { s3 } = reference;
  const prefixes = [UPLOADS_PREFIX, INPUTS_PREFIX].map((prefix) => `${prefix}${model}/`);
  if (prefixes.some((prefix) => s3.startsWith(prefix))) return;
  if (references === 'all') return assertAllowed(ownerOf(reference));
  const expected = prefixes.map(show).join(' or ');
  throw new ServingError('FORBIDDEN', `"s3" is ${show(s3)}, expected the key of an object below ${expected}`, {
    operator: 'the stage parameter "references" is "model"; with "all", requests may refer to uploads for any model',
  });
};

/**
 * The payload of a task request to `model`; an object that it refers to is read from the data bucket.
 * @throws `FORBIDDEN`, `NOT_FOUND`, `PAYLOAD_TOO_LARGE`, `MODEL_UNAVAILABLE` when S3 does not answer
 */
export const resolveInputs = async (
  request: TaskRequest,
  model: string,
  serving: Serving,
  assertAllowed: AssertAllowed,
): Promise<Payload> => {
  if (!('reference' in request)) return decodePayload(request);
  await assertReachable(request.reference, model, serving, assertAllowed);
  const { s3 } = request.reference;
  const object = await serving.data.read(s3, MAX_INPUT_BYTES);
  const payload = await parseObject(s3, object.body, object);
  return { ...payload, parameters: { ...payload.parameters, ...request.parameters } };
};

/** Refusals whose messages repeat values of an input. */
const QUOTING: readonly string[] = ['INVALID_REQUEST', 'INVALID_INPUT', 'UNSUPPORTED_MEDIA_TYPE'];

/** The error of a request, for its caller. The name of an object gives no right to read it: no message repeats its content. */
export const withoutContent = (error: unknown, request: TaskRequest): ServingError => {
  const failure = ServingError.from(error);
  if (!('reference' in request) || !QUOTING.includes(failure.code)) return failure;
  const problem = `the object ${show(request.reference.s3)}, or a parameter beside it, is refused; the log and the result of the upload name the reason`;
  return new ServingError(failure.code, problem, { cause: error, operator: failure.fullMessage });
};
