import type { Readable } from 'node:stream';
import type { Origin } from './block-connection.ts';
import type { ObjectMetadata } from './object-store.ts';

/** A request for the bytes of an object. */
export interface GetRequest {
  readonly key: string;
  /** From a position up to, not including, the second one, or the end of the object. */
  readonly range?: readonly [start: number, end?: number];
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** The answer to it. */
export interface GetAnswer {
  readonly body: Readable;
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentRange: string | undefined;
  /** The object is encrypted by a key of its own: then its etag is not its md5. */
  readonly hasOwnKey: boolean;
}

/** The answer to a HEAD. */
export interface HeadAnswer {
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
  readonly metadata: ObjectMetadata;
  readonly contentEncoding: string | undefined;
}

/** A signed request, without the line breaks of HTTP. */
export interface SignedRequest {
  readonly origin: Origin;
  /** Path and query, percent-encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The way of reading requests to one bucket. Each is sent once. @throws `Refusal`, and errors of the connection */
export interface Requests {
  get(request: GetRequest, signal: AbortSignal): Promise<GetAnswer>;
  head(key: string, signal: AbortSignal): Promise<HeadAnswer>;
  /** The request of `get`, which somebody else sends. */
  sign(request: GetRequest): Promise<SignedRequest>;
  /** An answer came that only the SDK understands: it sends the requests that follow. */
  leaveToSdk(): void;
}

/** An answer of S3 that refuses, in the form of the SDK's errors; its name is the code of S3. */
export interface Refusal extends Error {
  readonly $fault: 'client' | 'server';
  readonly $metadata: { readonly httpStatusCode?: number };
}

export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error && '$fault' in error && '$metadata' in error;

export const createRefusal = (name: string, httpStatusCode: number, message: string): Refusal =>
  Object.assign(new Error(message), { name, $fault: 'client' as const, $metadata: { httpStatusCode } });

/** Encryption by a key that S3 holds for all objects leaves the etag what it is. */
export const hasOwnKey = (encryption: string | undefined, customerAlgorithm: string | undefined): boolean =>
  customerAlgorithm !== undefined || (encryption ?? 'AES256') !== 'AES256';

/** The header of the range, as in HTTP. */
export const toRange = ([start, end]: readonly [number, number?]): string =>
  `bytes=${start}-${end === undefined ? '' : end - 1}`;
