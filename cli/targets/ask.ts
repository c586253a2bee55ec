import { ERROR_KINDS, type ErrorCode, ServingError } from '../../src/core/errors.ts';
import { isObject } from '../../src/core/is-object.ts';
import type { Post, Send } from './send.ts';

const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERROR_KINDS, value);

/** The fields of a refusal; none of a text that is no JSON object. */
const parseRefusal = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const refusal: unknown = JSON.parse(text);
    return isObject(refusal) ? refusal : {};
  } catch {
    return {};
  }
};

/** The error in a refusal of the application, or of the gateway before it, which gives no `code`. */
const failureOf = ({ status }: Response, text: string): ServingError => {
  const { error, code, message, Message } = parseRefusal(text);
  if (typeof error === 'string' && isErrorCode(code)) return new ServingError(code, error);
  const answer = `the endpoint answers ${status}: ${message ?? Message ?? text.slice(0, 200)}`;
  if (status === 401 || status === 403)
    return new ServingError('INVALID_REQUEST', `${answer}; the caller's AWS credentials need execute-api:Invoke on it`);
  return new ServingError(status < 500 && status !== 429 ? 'INVALID_REQUEST' : 'MODEL_UNAVAILABLE', answer);
};

/** The body of an answer. */
export interface Answer {
  readonly answer: string;
  /** The version that gave it. */
  readonly answered: number;
  /** Positions of the inputs that were cut for it. */
  readonly truncated: string | null;
}

/** Sends a request to a model. @throws the refusal of the application, or of the gateway before it */
export const ask = async (send: Send, route: string, post: Post): Promise<Answer> => {
  const response = await send(route, post);
  const answer = await response.text();
  if (!response.ok) throw failureOf(response, answer);
  const answered = Number(response.headers.get('x-model-version') ?? JSON.parse(answer).model_version);
  return { answer, answered, truncated: response.headers.get('x-truncated-inputs') };
};
