import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';

/** A request as plain values: what carried it, an event or a socket, is forgotten. */
export interface HttpRequest {
  readonly method: string;
  /** Percent-encoded or not, without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The whole body. @throws `PAYLOAD_TOO_LARGE` before more than the limit is in memory */
  readBody(): Promise<Uint8Array | string> | Uint8Array | string;
}

export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the server that runs the application knows of a request. */
export interface RequestContext {
  readonly requestId: string;
  readonly deadline: Deadline;
}

/** More than Lambda accepts: this bounds servers that have no such limit. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** @throws `PAYLOAD_TOO_LARGE` */
export const assertBodyFits = (sizeBytes: number): void => {
  if (sizeBytes <= MAX_BODY_BYTES) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the body has ${sizeBytes} bytes or more, at most ${MAX_BODY_BYTES} are read; upload what is larger and refer to it: {"inputs": {"s3": "uploads/…"}}`,
  );
};

const JSON_TYPE = { 'content-type': 'application/json' };

/** Every answer of the application is JSON text. */
export const jsonResponse = (
  text: string,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): HttpResponse => ({ status, headers: { ...JSON_TYPE, ...headers }, body: text });
