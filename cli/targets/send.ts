import { ServingError } from '../../src/core/errors.ts';
import { isObject } from '../../src/core/is-object.ts';
import { errorMessage } from '../output/error-message.ts';

/** A request to the HTTP API. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  /** A POST has one. */
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** Sends to `path`, which starts with `/` and may have a query. @throws `MODEL_UNAVAILABLE` without an answer */
export type Send = (path: string, outgoing: Outgoing) => Promise<Response>;

/** The message or the code of the system's error, which `fetch` hides in the cause of its own. */
const reasonOf = (error: unknown): string => {
  const cause = isObject(error) && isObject(error.cause) ? error.cause : {};
  return errorMessage(cause) || String(cause.code ?? errorMessage(error));
};

/** @throws `MODEL_UNAVAILABLE` without an answer */
export const sendOver = async (url: URL, init: Outgoing): Promise<Response> => {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new ServingError('MODEL_UNAVAILABLE', `${url.origin} does not answer: ${reasonOf(error)}`, { cause: error });
  }
};

/** Sends with a key of the API, if there is one: the local server demands none by default. */
export const sendPlain = (endpoint: string, key: string | undefined): Send => {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return (path, init) => sendOver(new URL(path, endpoint), { ...init, headers: { ...init.headers, ...authorization } });
};
