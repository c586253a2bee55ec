import type { Identity } from '../access/scope.ts';
import { HTTP_API_BODY_BYTES } from '../core/aws-limits.ts';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { decodeContent, isEncoded } from '../protocol/content.ts';

/** A request as plain values, whatever carried it: an event or a socket. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query, percent-encoded once. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The whole body. @throws `PAYLOAD_TOO_LARGE` before more than the limit is in memory */
  readBody(): Promise<Uint8Array | string> | Uint8Array | string;
}

/** Text, bytes, or bytes as they come. A stream has to be read to its end, or ended with `return`. */
export type ResponseBody = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ResponseBody;
}

/** Facts of a request that the server knows which runs the application. */
export interface RequestContext {
  readonly requestId: string;
  readonly deadline: Deadline;
  /** The caller, as the authorizer in front of the application has identified it; undefined when there is none. */
  readonly identity?: Identity | undefined;
  /** True where everybody is let in, and nobody is identified. */
  readonly isOpen?: boolean;
}

/** Bounds servers that have no limit of their own. @throws `PAYLOAD_TOO_LARGE` */
export const assertBodyFits = (sizeBytes: number): void => {
  if (sizeBytes <= HTTP_API_BODY_BYTES) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the body has ${sizeBytes} bytes or more, at most ${HTTP_API_BODY_BYTES} are read; upload what is larger and refer to it: {"inputs": {"s3": "uploads/…"}}`,
  );
};

export const isStream = (body: ResponseBody): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && Symbol.asyncIterator in body;

const JSON_TYPE = { 'content-type': 'application/json' };

/** A response of JSON text. */
export const jsonResponse = (
  text: string,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): HttpResponse => ({ status, headers: { ...JSON_TYPE, ...headers }, body: text });

/** A response of a value as JSON. */
export const toJsonResponse = (value: unknown): HttpResponse => jsonResponse(JSON.stringify(value));

/** The request with its body as bytes or UTF-8. Reading it throws the errors of `decodeContent`. */
export const withContentDecoded = (request: HttpRequest): HttpRequest => {
  const { 'content-encoding': contentEncoding, 'content-type': contentType } = request.headers;
  const content = { contentEncoding, contentType };
  if (!isEncoded(content)) return request;
  return {
    ...request,
    readBody: async () => decodeContent(await request.readBody(), content, HTTP_API_BODY_BYTES),
  };
};
