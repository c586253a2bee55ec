import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { keepConnections, type Send } from './kept-connections.ts';
import type { PlainBucket } from './s3-plain-bucket.ts';
import {
  createRefusal,
  type GetAnswer,
  type GetRequest,
  hasOwnKey,
  type Refusal,
  type Requests,
  type SignedRequest,
  toRange,
} from './s3-requests.ts';
import { encodeKey, signHeaders } from './s3-signature.ts';

/** S3 takes keys of so many bytes; one without any is the bucket. */
const MOST_KEY_BYTES = 1024;
/** Errors of S3 are shorter. */
const MOST_ERROR_BYTES = 64 * 1024;
const METADATA = 'x-amz-meta-';

type Method = 'GET' | 'HEAD';

const headersOf = ({ range, ifMatch, ifNoneMatch }: GetRequest): Record<string, string> => ({
  ...(range && { range: toRange(range) }),
  ...(ifMatch !== undefined && { 'if-match': ifMatch }),
  ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
});

const signRequest = (
  { origin, host, root, signer }: PlainBucket,
  method: Method,
  request: GetRequest,
): SignedRequest => {
  const target = `${root}${encodeKey(request.key)}`;
  const headers = signHeaders({ method, path: target, headers: { ...headersOf(request), host } }, signer);
  return { origin, target, headers };
};

const sizeOf = ({ 'content-length': length = '' }: IncomingHttpHeaders): number | undefined =>
  /^\d+$/.test(length) ? Number(length) : undefined;

const metadataOf = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(METADATA) ? [[name.slice(METADATA.length), String(value)]] : [],
    ),
  );

const textOf = (headers: IncomingHttpHeaders, name: string): string | undefined => headers[name]?.toString();

/** The answer to a GET; undefined when it is of another kind. */
const toGetAnswer = (body: IncomingMessage): GetAnswer | undefined => {
  const { statusCode, headers } = body;
  const sizeBytes = sizeOf(headers);
  if ((statusCode !== 200 && statusCode !== 206) || sizeBytes === undefined) return undefined;
  const encryption = textOf(headers, 'x-amz-server-side-encryption');
  const customerAlgorithm = textOf(headers, 'x-amz-server-side-encryption-customer-algorithm');
  return {
    ...{ body, sizeBytes, etag: headers.etag, contentType: headers['content-type'] },
    contentEncoding: headers['content-encoding'],
    ...{ contentRange: headers['content-range'], hasOwnKey: hasOwnKey(encryption, customerAlgorithm) },
  };
};

/** Waits for the end of an answer without a body: then its connection can be used again. */
const ended = (response: IncomingMessage): Promise<void> => response.forEach(() => {});

/** Tells whether S3 says that the bucket has no such key, instead of something else that does not exist. */
const saysNoSuchKey = async (body: IncomingMessage): Promise<boolean> => {
  let text = '';
  for await (const chunk of body) if (text.length < MOST_ERROR_BYTES) text += String(chunk);
  return text.includes('<Code>NoSuchKey</Code>');
};

/** The refusal of a GET that was to be expected; undefined for any other answer. */
const toRefusal = async (
  response: IncomingMessage,
  { ifMatch, ifNoneMatch }: GetRequest,
): Promise<Refusal | undefined> => {
  const { statusCode } = response;
  if (statusCode === 304 && ifNoneMatch !== undefined) {
    await ended(response);
    return createRefusal('NotModified', statusCode, 'the object has not changed');
  }
  if (statusCode === 412 && ifMatch !== undefined) {
    response.destroy();
    return createRefusal('PreconditionFailed', statusCode, 'the object was replaced');
  }
  if (statusCode === 404 && (await saysNoSuchKey(response)))
    return createRefusal('NoSuchKey', statusCode, 'the specified key does not exist');
  return undefined;
};

/**
 * Requests that are signed here, and sent by Node: the SDK takes 50 ms of processor time to be imported, and for its first requests. It is
 * opened for what is not plain, and for all that follows an answer that is not: its errors, redirects and clocks are its business.
 * @param sdk opens the SDK; it is called for each use
 */
export const createSignedRequests = (
  bucket: PlainBucket,
  silenceMs: number,
  sdk: () => Promise<Requests>,
): Requests => {
  let isLeft = false;
  let sendPlain: Send | undefined;
  const isPlain = ({ key }: GetRequest): boolean =>
    !isLeft && key !== '' && Buffer.byteLength(key) <= MOST_KEY_BYTES && key.isWellFormed();

  const send = (method: Method, request: GetRequest, signal: AbortSignal): Promise<IncomingMessage> => {
    const { origin, target, headers } = signRequest(bucket, method, request);
    const { hostname, port } = origin;
    sendPlain ??= keepConnections(origin.isSecure, silenceMs);
    return sendPlain({ hostname, port, method, path: target, headers, signal });
  };

  /** An error that lets the request be sent again. */
  const leave = (response: IncomingMessage): Error => {
    isLeft = true;
    response.destroy();
    return new Error(`S3 answered with the status ${response.statusCode}`);
  };

  return {
    async get(request, signal) {
      if (!isPlain(request)) return (await sdk()).get(request, signal);
      const body = await send('GET', request, signal);
      const answer = toGetAnswer(body);
      if (answer) return answer;
      throw (await toRefusal(body, request)) ?? leave(body);
    },

    async head(key, signal) {
      if (!isPlain({ key })) return (await sdk()).head(key, signal);
      const response = await send('HEAD', { key }, signal);
      const { statusCode = 0, headers } = response;
      const sizeBytes = sizeOf(headers);
      if (statusCode !== 404 && (statusCode !== 200 || sizeBytes === undefined)) throw leave(response);
      await ended(response);
      if (sizeBytes === undefined || statusCode === 404)
        throw createRefusal('NotFound', statusCode, 'the object does not exist');
      const { etag, 'content-encoding': contentEncoding } = headers;
      return { sizeBytes, etag, metadata: metadataOf(headers), contentEncoding };
    },

    sign: async (request) => (isPlain(request) ? signRequest(bucket, 'GET', request) : (await sdk()).sign(request)),

    leaveToSdk: () => {
      isLeft = true;
    },
  };
};
