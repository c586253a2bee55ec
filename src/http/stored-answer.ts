import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { type ObjectReference, OUTPUTS_PREFIX } from '../protocol/task-api/object-reference.ts';
import { createObject } from '../repository/stores/create-object.ts';
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

/** Writes an answer to its place, and says where it is. @throws `CONFLICT`, `MODEL_UNAVAILABLE` */
export const storeAnswer = async (
  data: ObjectStore,
  { s3 }: ObjectReference,
  { body, headers }: HttpResponse,
): Promise<HttpResponse> => {
  if (isStream(body)) throw new ServingError('INTERNAL', 'a stream was to be stored');
  const { 'content-type': contentType = 'application/octet-stream', ...rest } = headers;
  if (!(await createObject(data, s3, body, contentType)))
    throw new ServingError(
      'CONFLICT',
      `${show(s3)} is there already, and no answer replaces it; name another "output"`,
    );
  const sizeBytes = Buffer.byteLength(body);
  const url = await data.presign?.(s3, URL_SECONDS);
  const expires = url === undefined ? undefined : new Date(Date.now() + URL_SECONDS * 1000).toISOString();
  const output = { s3, contentType, sizeBytes, url, expires };
  return jsonResponse(JSON.stringify({ output }), { status: 201, headers: rest });
};
