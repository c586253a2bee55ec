import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type GetRequest, hasOwnKey, type Requests, type SignedRequest, toRange } from './s3-requests.ts';

/** The parts of a request of the SDK that are sent. */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

const toCommand = (Bucket: string, { key, range, ifMatch, ifNoneMatch }: GetRequest): GetObjectCommand =>
  new GetObjectCommand({
    ...{ Bucket, Key: key },
    ...(range && { Range: toRange(range) }),
    ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
    ...(ifMatch !== undefined && { IfMatch: ifMatch }),
  });

/** Has the SDK make and sign the request, and not send it. */
const sign = async (client: S3Client, command: GetObjectCommand): Promise<SdkRequest> => {
  let signed: unknown;
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        signed = request;
        return { response: undefined, output: { $metadata: {} } };
      },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await client.send(command);
  return signed as SdkRequest;
};

const toSigned = ({ protocol, hostname, port, path, query, headers }: SdkRequest): SignedRequest => {
  const isSecure = protocol === 'https:';
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  // A URL has an IPv6 address in brackets, a socket has it without.
  const origin = { isSecure, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: port ?? (isSecure ? 443 : 80) };
  return { origin, target: `${path}?${parameters}`, headers };
};

/** Requests that the AWS SDK makes, signs and sends. */
export const createSdkRequests = (client: S3Client, bucket: string): Requests => ({
  async get(request, abortSignal) {
    const answer = await client.send(toCommand(bucket, request), { abortSignal });
    const { Body: body, ContentLength, ETag, ContentType, ContentEncoding, ContentRange } = answer;
    if (!(body instanceof Readable)) throw new Error('S3 answered without a body');
    return {
      ...{ body, sizeBytes: ContentLength, etag: ETag, contentType: ContentType },
      ...{ contentEncoding: ContentEncoding, contentRange: ContentRange },
      hasOwnKey: hasOwnKey(answer.ServerSideEncryption, answer.SSECustomerAlgorithm),
    };
  },
  async head(key, abortSignal) {
    const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
    const { ContentLength, ETag, Metadata = {}, ContentEncoding } = answer;
    return { sizeBytes: ContentLength, etag: ETag, metadata: Metadata, contentEncoding: ContentEncoding };
  },
  sign: async (request) => toSigned(await sign(client, toCommand(bucket, request))),
  leaveToSdk: () => {},
});
