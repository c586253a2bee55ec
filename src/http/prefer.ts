import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';

/** The wish of a caller to be answered later. https://www.rfc-editor.org/rfc/rfc7240 */
export interface Preference {
  readonly isAsync: boolean;
  /** Seconds that the caller waits for the answer itself; undefined when it names none. */
  readonly waitSeconds: number | undefined;
}

/** An HTTP API gives up after 30 s. */
const LONGEST_WAIT_SECONDS = 25;

const NONE: Preference = { isAsync: false, waitSeconds: undefined };

/** @throws `INVALID_REQUEST` */
const parseWait = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), LONGEST_WAIT_SECONDS);
  throw new ServingError('INVALID_REQUEST', `prefer: wait is ${show(text)}, expected whole seconds from 0`);
};

/** Preferences that are not known are passed over, as RFC 7240 asks. @throws `INVALID_REQUEST` for a time to wait that is none */
export const parsePrefer = (header: string | undefined): Preference => {
  if (header === undefined) return NONE;
  const tokens = header.split(',').map((token) => token.split(';', 1)[0]?.trim() ?? '');
  const readValue = (name: string): string | undefined => {
    const found = tokens.find((token) => token.split('=', 1)[0]?.trim().toLowerCase() === name);
    return found
      ?.replace(/^[^=]*=?/, '')
      .trim()
      .replace(/^"(.*)"$/, '$1');
  };
  const wait = readValue('wait');
  return {
    isAsync: readValue('respond-async') !== undefined,
    waitSeconds: wait === undefined ? undefined : parseWait(wait),
  };
};

/** The header of the answer to a request that became a job. */
export const formatApplied = ({ isAsync, waitSeconds }: Preference): Record<string, string> => {
  const applied = ['respond-async', ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`])];
  return isAsync ? { 'preference-applied': applied.join(', ') } : {};
};
