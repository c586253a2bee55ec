import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AwsError } from './aws-error.ts';
import { assertNotExpired, assertSignature, SIGNATURE_PARAMETERS } from './presigned.ts';
import { createBucketOperations } from './s3-bucket-operations.ts';
import { createListings } from './s3-listings.ts';
import { createObjectOperations, RESPONSE_PARAMETERS } from './s3-object-operations.ts';
import type { S3Objects } from './s3-objects.ts';
import { type Answer, answerXml, type Call, notImplemented, type Operations } from './s3-operation.ts';
import { createUploadListings } from './s3-upload-listings.ts';
import { createUploadOperations } from './s3-upload-operations.ts';
import type { S3Uploads } from './s3-uploads.ts';
import type { OnObjectCreated } from './s3-writes.ts';
import { element, escapeXml } from './xml.ts';

/** Query parameters that choose an operation; the first one that is present does. */
const SUBRESOURCES = ['list-type', 'versions', 'versioning', 'location', 'delete', 'uploads', 'partNumber', 'uploadId'];
/** Query parameters that an operation reads, or that say nothing new. Every other one is refused rather than ignored. */
const PARAMETERS = new Set([
  ...SIGNATURE_PARAMETERS,
  ...RESPONSE_PARAMETERS,
  ...'prefix delimiter marker start-after continuation-token max-keys encoding-type fetch-owner key-marker x-id'.split(
    ' ',
  ),
  ...['versionId', 'max-uploads', 'upload-id-marker', 'max-parts', 'part-number-marker'],
]);
/** Headers that would make another object, or another answer, of a request. Every other one says nothing new here. */
const OTHER_MEANING =
  /^x-amz-(?:(?:copy-source-)?server-side-encryption-customer-.+|object-lock-.+|if-match-.+|tagging|write-offset-bytes|mfa|website-redirect-location)$/;
const LONGEST_KEY_BYTES = 1024;
/** Methods that S3 has, by what they are for. It has no other one without a query parameter. */
const METHODS: Readonly<Record<string, string>> = {
  service: 'GET',
  bucket: 'GET, HEAD, PUT, POST, DELETE',
  object: 'GET, HEAD, PUT, DELETE',
};

const errorAnswer = (error: AwsError): Answer => {
  const fields = { Code: error.code, Message: error.message, ...error.details };
  const children = Object.entries(fields).map(([name, value]) => element(name, escapeXml(value)));
  return { ...answerXml('Error', ...children), status: error.status };
};

/** The bucket in the name of the host, such as `models.localhost:3001`; empty when the path has it. */
const hostBucketOf = ({ headers: { host = '' } }: IncomingMessage): string =>
  /^([a-z0-9][a-z0-9.-]{2,62}?)(?:\.s3)?\.localhost(?::\d+)?$/.exec(host)?.[1] ?? '';

/** Bucket, key and query as they were sent. By hand, because `new URL` would resolve the `..` that a key may hold. */
const splitUrl = (request: IncomingMessage) => {
  const [given = '', search] = (request.url ?? '/').split(/\?(.*)/s);
  const hostBucket = hostBucketOf(request);
  const path = hostBucket === '' ? given : `/${hostBucket}${given}`;
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  return { path, bucket, key, search };
};

/** The bucket of a request to S3; empty when it names none. */
export const bucketOf = (request: IncomingMessage): string => splitUrl(request).bucket;

/** Headers that a presigned URL has in its query, where the AWS SDK for JavaScript puts those of the object. */
const hoistedHeaders = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries(
    [...query].filter(([name]) => /^x-amz-/i.test(name)).map(([name, value]) => [name.toLowerCase(), value]),
  );

const parseCall = (request: IncomingMessage): Call => {
  const { path, bucket, key, search } = splitUrl(request);
  try {
    const decoded = { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
    const query = new URLSearchParams(search);
    return { request, headers: { ...hoistedHeaders(query), ...request.headers }, query, ...decoded };
  } catch {
    throw new AwsError('InvalidURI', 400, `Could not decode ${path}`);
  }
};

/** Nothing is versioned here: each object has the one version `null`. @throws AwsError `InvalidArgument` for any other one */
const assertVersion = (query: URLSearchParams): void => {
  const version = query.get('versionId') ?? 'null';
  if (version !== 'null')
    throw new AwsError('InvalidArgument', 400, `There is no version ${version}: objects here have the version null.`);
};

const operationNameOf = ({ request, headers, bucket, key, query }: Call): string => {
  const other = Object.keys(headers).find((name) => OTHER_MEANING.test(name));
  if (other !== undefined) throw notImplemented(`the header ${other}`);
  for (const name of query.keys())
    if (!SUBRESOURCES.includes(name) && !PARAMETERS.has(name) && !/^x-amz-/i.test(name))
      throw notImplemented(`the query parameter ${name}`);
  if (Buffer.byteLength(key) > LONGEST_KEY_BYTES) throw new AwsError('KeyTooLongError', 400, 'Your key is too long');
  assertVersion(query);
  const scope = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  const subresource = SUBRESOURCES.find((name) => query.has(name));
  const { method = '' } = request;
  if (subresource === undefined && !METHODS[scope]?.split(', ').includes(method))
    throw new AwsError('MethodNotAllowed', 405, `${method} is not allowed on this ${scope}, use ${METHODS[scope]}.`);
  return `${method} ${scope}${subresource === undefined ? '' : `?${subresource}`}`;
};

const send = async (request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> => {
  const { status = 200, headers = {}, body } = answer;
  // A client that is still sending must be read to the end, or it would not see the answer.
  request.resume();
  response.statusCode = status;
  response.setHeaders(new Map(Object.entries({ 'x-amz-request-id': randomUUID(), ...headers })));
  // `pipeline` leaves the file open for a client that has gone before.
  if (typeof body === 'object') await pipeline(body, response).finally(() => body.destroy());
  else response.end(request.method === 'HEAD' ? undefined : body);
};

/** Answers a request as S3 does, for the operations that the project needs. Credentials of headers are not checked. */
export const createS3Api = (objects: S3Objects, uploads: S3Uploads, onCreated: OnObjectCreated) => {
  const operations: Operations = {
    ...createBucketOperations(objects),
    ...createListings(objects),
    ...createObjectOperations(objects, onCreated),
    ...createUploadOperations(uploads, objects, onCreated),
    ...createUploadListings(uploads),
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    try {
      const call = parseCall(request);
      assertNotExpired(call.query, Date.now());
      assertSignature(request, call.query);
      const name = operationNameOf(call);
      const operation = operations[name];
      if (!operation) throw notImplemented(name);
      return await operation(call);
    } catch (error) {
      return errorAnswer(AwsError.from(error));
    }
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    await send(request, response, await answer(request));
  };
};
