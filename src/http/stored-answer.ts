import { randomUUID } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { type ObjectReference, OUTPUTS_PREFIX } from '../protocol/task-api/object-reference.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { type HttpResponse, isStream, jsonResponse } from './message.ts';

/** The time for which the URL of an answer reads it. */
const URL_SECONDS = 3_600;

/** @throws `FORBIDDEN` for a place of another model */
export const assertOutputReachable = ({ s3 }: ObjectReference, model: string): void => {
  const prefix = `${OUTPUTS_PREFIX}${model}/`;
  if (!s3.startsWith(prefix))
    throw new ServingError('FORBIDDEN', `"output" is ${show(s3)}, expected the key of an object below ${show(prefix)}`);
};

/** Creates an object. A client that tries again after a lost answer meets its own write. @throws `CONFLICT` when another one is there */
const createObject = async (
  data: ObjectStore,
  key: string,
  body: Uint8Array | string,
  contentType: string,
): Promise<void> => {
  const writer = randomUUID();
  try {
    await data.write(key, body, { condition: { ifNoneMatch: '*' }, contentType, metadata: { writer } });
  } catch (error) {
    if (ServingError.from(error).code !== 'CONFLICT') throw error;
    const { metadata } = await data.head(key);
    if (metadata.writer === writer) return;
    throw new ServingError(
      'CONFLICT',
      `${show(key)} is there already, and no answer replaces it; name another "output"`,
    );
  }
};

/** Writes an answer to its place, and says where it is. @throws `CONFLICT`, `MODEL_UNAVAILABLE` */
export const storeAnswer = async (
  data: ObjectStore,
  { s3 }: ObjectReference,
  { body, headers }: HttpResponse,
): Promise<HttpResponse> => {
  if (isStream(body)) throw new ServingError('INTERNAL', 'a stream was to be stored');
  const { 'content-type': contentType = 'application/octet-stream', ...rest } = headers;
  await createObject(data, s3, body, contentType);
  const sizeBytes = Buffer.byteLength(body);
  const url = await data.presign?.(s3, URL_SECONDS);
  const expires = url === undefined ? undefined : new Date(Date.now() + URL_SECONDS * 1000).toISOString();
  const output = { s3, contentType, sizeBytes, url, expires };
  return jsonResponse(JSON.stringify({ output }), { status: 201, headers: rest });
};
