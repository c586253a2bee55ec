import { type ErrorCode, PUBLIC_MESSAGE, type ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import { toOpenAiError } from '../protocol/openai/error.ts';
import { type HttpResponse, jsonResponse } from './message.ts';

/** `Record` makes the compiler refuse a new `ErrorCode` that has no status. */
const STATUS: Record<ErrorCode, number> = {
  INVALID_REQUEST: 400,
  INVALID_INPUT: 422,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  UNSUPPORTED_MEDIA_TYPE: 415,
  PAYLOAD_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  MODEL_UNAVAILABLE: 503,
  MODEL_INVALID: 500,
  INFERENCE_FAILED: 500,
  DEADLINE_EXCEEDED: 504,
  INSUFFICIENT_STORAGE: 507,
  INTERNAL: 500,
};

/** Headers that HTTP asks for beside a status. https://www.rfc-editor.org/rfc/rfc9110 */
const HEADERS: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  MODEL_UNAVAILABLE: { 'retry-after': '2' }, // seconds
  UNAUTHORIZED: { 'www-authenticate': 'Bearer' },
};

/** Characters. Messages shorten what they repeat; lists of a model's own names may still be long. */
const LONGEST_MESSAGE = 2_000;

/** `/v1/models` is shared with KServe, and keeps the form of its errors, which OpenAI's clients read, too. */
const isOpenAi = (path: string): boolean => /^\/v1\/(?!models(\/|$))/.test(path);

const isKserve = (path: string): boolean => /^\/v[12](\/|$)/.test(path) && !isOpenAi(path);

/**
 * `{"error", "code", "requestId"}`, or OpenAI's form on the routes of its API. A fault of the server hides its message.
 * @param isRoute false for a path that no route has
 */
export const toErrorDocument = ({ code, message }: ServingError, requestId: string, path: string, isRoute = true) => {
  const hidden = PUBLIC_MESSAGE[code];
  const error =
    hidden === undefined
      ? shorten(message, LONGEST_MESSAGE)
      : `${hidden}; the log names the cause under request ${requestId}`;
  return isOpenAi(path) ? toOpenAiError(code, error, isRoute) : { error, code, requestId };
};

/** The document of an error with its status. KServe's protocols know no 422. */
export const errorResponse = (failure: ServingError, requestId: string, path: string, isRoute = true): HttpResponse => {
  const { code } = failure;
  const status = code === 'INVALID_INPUT' && isKserve(path) ? 400 : STATUS[code];
  const document = JSON.stringify(toErrorDocument(failure, requestId, path, isRoute));
  return jsonResponse(document, { status, headers: HEADERS[code] ?? {} });
};
