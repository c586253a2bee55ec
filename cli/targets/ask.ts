import { ERROR_KINDS, type ErrorCode, ServingError } from '../../src/core/errors.ts';
import { isObject } from '../../src/core/is-object.ts';
import type { Outgoing, Send } from './send.ts';

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

/** @throws the refusal of the application, or of the gateway before it */
export const readBody = async (response: Response): Promise<string> => {
  const text = await response.text();
  if (!response.ok) throw failureOf(response, text);
  return text;
};

/** The body of an answer. */
export interface Answer {
  readonly answer: string;
  /** The version that gave it. */
  readonly answered: number;
  /** Positions of the inputs that were cut for it. */
  readonly truncated: string | null;
}

/** Status of the answer to a request that became a job. */
export const ACCEPTED = 202;

/** Reads the answer of a model. @throws the refusal of the application, or of the gateway before it; `MODEL_UNAVAILABLE` for a job */
export const readAnswer = async (response: Response): Promise<Answer> => {
  const answer = await readBody(response);
  if (response.status === ACCEPTED)
    throw new ServingError('MODEL_UNAVAILABLE', `the stage answers this model later: ${answer}`);
  const answered = Number(response.headers.get('x-model-version') ?? JSON.parse(answer).model_version);
  return { answer, answered, truncated: response.headers.get('x-truncated-inputs') };
};

/** Sends a request to a model. @throws errors of `readAnswer` */
export const ask = async (send: Send, route: string, post: Outgoing): Promise<Answer> =>
  readAnswer(await send(route, post));
