import { randomBytes } from 'node:crypto';
import { refuse, ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { resultKeyOf } from '../jobs/upload.ts';
import { parseJsonBody } from '../protocol/json.ts';
import {
  INPUTS_PREFIX,
  MAX_INPUT_BYTES,
  MAX_JSON_BYTES,
  UPLOADS_PREFIX,
} from '../protocol/task-api/object-reference.ts';
import { isModelName } from '../repository/keys.ts';
import type { WriteBounds } from '../repository/stores/object-store.ts';
import type { Serving } from '../serving/serving.ts';
import { type HttpResponse, jsonResponse } from './message.ts';
import { type Exchange, routingKey } from './route.ts';

const UPLOAD_SECONDS = 900;
const RESULT_SECONDS = 3_600;
const ID_BYTES = 16;

/** An object that a caller announces. */
interface UploadRequest extends WriteBounds {
  readonly model: string;
  readonly name: string;
  /** The object is predicted as it comes, as any other upload. */
  readonly isPredicted: boolean;
}

/** The expected value of each key of the body, in words and as a test. */
const FIELDS: Readonly<Record<string, { readonly expected: string; readonly fits: (value: unknown) => boolean }>> = {
  model: { expected: 'the name of a model', fits: (value) => typeof value === 'string' && isModelName(value) },
  name: {
    expected: "the name of a file, of 1 to 100 letters, digits, '.', '_' and '-', such as cat.jpg",
    fits: (value) => typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value),
  },
  sizeBytes: {
    expected: `the number of its bytes, from 1 to ${MAX_INPUT_BYTES}, for JSON to ${MAX_JSON_BYTES}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= 1, // too many have a code of their own
  },
  contentType: {
    expected: 'a media type such as image/jpeg, or nothing',
    fits: (value) =>
      value === undefined ||
      (typeof value === 'string' && value.length <= 200 && /^[\w.+-]+\/[\w.+-]+(;[\x20-\x7e]*)?$/.test(value)),
  },
  sha256: {
    expected: 'the sha256 of its bytes as 64 hexadecimal digits, or nothing',
    fits: (value) => value === undefined || (typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)),
  },
  predict: {
    expected: 'true or false, or nothing',
    fits: (value) => value === undefined || typeof value === 'boolean',
  },
};

/** @throws `INVALID_REQUEST`, `PAYLOAD_TOO_LARGE` */
const parseUploadRequest = (body: Uint8Array | string): UploadRequest => {
  const document = parseJsonBody(body);
  if (!isObject(document))
    return refuse('INVALID_REQUEST', `the body is ${show(document)}, expected {"model": …, "name": …, "sizeBytes": …}`);
  const unknown = Object.keys(document).find((name) => !Object.hasOwn(FIELDS, name));
  if (unknown !== undefined)
    refuse('INVALID_REQUEST', `${show(unknown)} is not known; the body has ${Object.keys(FIELDS).join(', ')}`);
  const { model, name, sizeBytes, contentType = 'application/octet-stream', sha256, predict = false } = document;
  for (const [field, { expected, fits }] of Object.entries(FIELDS))
    if (!fits(document[field]))
      refuse('INVALID_REQUEST', `"${field}" is ${show(document[field])}, expected ${expected}`);
  if (Number(sizeBytes) > (/\.json$/i.test(String(name)) ? MAX_JSON_BYTES : MAX_INPUT_BYTES))
    refuse('PAYLOAD_TOO_LARGE', `"sizeBytes" is ${show(sizeBytes)}, expected ${FIELDS.sizeBytes?.expected}`);
  return {
    ...{ model: String(model), name: String(name), sizeBytes: Number(sizeBytes), contentType: String(contentType) },
    ...(typeof sha256 === 'string' && { sha256: sha256.toLowerCase() }),
    isPredicted: predict === true,
  };
};

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

/**
 * A URL that takes the object, and the key by which requests refer to it.
 * @throws `FORBIDDEN`, `NOT_FOUND` for a model that there is not, `MODEL_UNAVAILABLE`
 */
export const createUpload = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { request, context, observation, assertAllowed } = exchange;
  const { data, router } = serving;
  const { model, name, isPredicted, ...bounds } = parseUploadRequest(await request.readBody());
  await assertAllowed(model);
  const { version } = await router.route({ name: model }, routingKey(exchange), context.deadline);
  Object.assign(observation, { model, version });
  if (data.presignWrite === undefined)
    throw new ServingError('NOT_FOUND', 'this server has no bucket that takes uploads; send the input in the request');
  const folder = randomBytes(ID_BYTES).toString('hex');
  const key = `${isPredicted ? UPLOADS_PREFIX : INPUTS_PREFIX}${model}/${folder}/${name}`;
  const { url, headers } = await data.presignWrite(key, UPLOAD_SECONDS, bounds);
  const resultUrl = isPredicted ? await data.presign?.(resultKeyOf({ key }), RESULT_SECONDS) : undefined;
  const answer = { s3: key, method: 'PUT', url, headers, expires: inSeconds(UPLOAD_SECONDS), resultUrl };
  return jsonResponse(JSON.stringify(answer), { status: 201, headers: { 'cache-control': 'no-store' } });
};
