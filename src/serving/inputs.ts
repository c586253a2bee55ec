import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { parseJsonLines, parseTaskRequest, type TaskRequest } from '../protocol/task-api/request.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { decodedMediaType, decodePayload } from './input-decoders.ts';

/** Bytes of an input. Decoding needs several times its size in memory. */
export const MAX_INPUT_BYTES = 50 * 1024 * 1024;

/** Bytes of a JSON input. Parsed, it takes up to forty times its text. */
export const MAX_JSON_BYTES = 10 * 1024 * 1024;

/**
 * Media type of objects whose name says nothing. The content type of an object is not used: most uploaders set none. Tasks look at the
 * bytes.
 */
const UNKNOWN_TYPE = 'application/octet-stream';
const TEXT_TYPES: Readonly<Record<string, string>> = { '.txt': 'text/plain', '.csv': 'text/csv' };

/**
 * The payload in an object of the data bucket: `.json` holds a task request, `.jsonl` a list of inputs, any other object is the input
 * itself. @throws `INVALID_REQUEST`
 */
export const parseObject = async (key: string, body: Uint8Array): Promise<Payload> => {
  const [extension = ''] = /\.[^./]*$/.exec(key.toLowerCase()) ?? [];
  if (extension !== '.json' && extension !== '.jsonl')
    return decodePayload({
      inputs: body,
      contentType: TEXT_TYPES[extension] ?? (await decodedMediaType(extension)) ?? UNKNOWN_TYPE,
      parameters: {},
    });
  if (body.byteLength > MAX_JSON_BYTES)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `${key} has ${body.byteLength} bytes, JSON may have ${MAX_JSON_BYTES}; upload the input itself`,
    );
  if (extension === '.jsonl') return { inputs: parseJsonLines(body), parameters: {} };
  const request = parseTaskRequest(body, 'application/json', '');
  if ('reference' in request)
    throw new ServingError('INVALID_REQUEST', `${key} refers to another object; upload that one itself`);
  return request;
};

/**
 * The payload of a task request; an object that it refers to is read from the data bucket.
 * @throws `NOT_FOUND`, `PAYLOAD_TOO_LARGE`, `MODEL_UNAVAILABLE` when S3 does not answer
 */
export const resolveInputs = async (request: TaskRequest, data: ObjectStore): Promise<Payload> => {
  if (!('reference' in request)) return decodePayload(request);
  const { s3 } = request.reference;
  const { body } = await data.read(s3, MAX_INPUT_BYTES);
  const payload = await parseObject(s3, body);
  return { ...payload, parameters: { ...payload.parameters, ...request.parameters } };
};
