import { type IncomingHttpHeaders, validateHeaderValue } from 'node:http';
import { AwsError } from './aws-error.ts';
import { readObjectBytes } from './s3-body.ts';
import { type CopySource, copiedBytes, copySourceOf } from './s3-copies.ts';
import type { S3Objects } from './s3-objects.ts';
import {
  type Answer,
  answerXml,
  type Call,
  copyResult,
  noSuchKey,
  notImplemented,
  type Operation,
  type Operations,
  preconditionFailed,
} from './s3-operation.ts';
import type { S3Object } from './s3-rows.ts';
import { isSameEtag, type OnObjectCreated, targetOf, writeGuard } from './s3-writes.ts';

/** Query parameters that name headers of the answer to a GET, which count more than those of the object. */
export const RESPONSE_PARAMETERS = ['type', 'language', 'disposition', 'encoding']
  .map((name) => `response-content-${name}`)
  .concat('response-cache-control', 'response-expires');

/** @throws AwsError `InvalidArgument` for a value that no header can have */
const headersAskedFor = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries(
    RESPONSE_PARAMETERS.flatMap((parameter) => {
      const value = query.get(parameter);
      if (value === null) return [];
      const name = parameter.replace('response-', '');
      try {
        validateHeaderValue(name, value);
      } catch {
        throw new AwsError(
          'InvalidArgument',
          400,
          `${parameter} is ${JSON.stringify(value)}, expected ISO-8859-1 without line breaks.`,
        );
      }
      return [[name, value]];
    }),
  );

/** The conditions of a read. An etag counts more than a time, which has whole seconds. @throws AwsError `PreconditionFailed` */
const isUnchanged = (headers: IncomingHttpHeaders, { etag, modifiedMs }: S3Object): boolean => {
  const modifiedSeconds = Math.floor(modifiedMs / 1000);
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  const [since = Number.NaN, notSince = Number.NaN] = ['if-modified-since', 'if-unmodified-since'].map(
    (name) => Date.parse(String(headers[name] ?? '')) / 1000,
  );
  if (match ? match !== '*' && !isSameEtag(match, etag) : modifiedSeconds > notSince)
    throw preconditionFailed(match ? 'If-Match' : 'If-Unmodified-Since');
  return noneMatch ? noneMatch === '*' || isSameEtag(noneMatch, etag) : modifiedSeconds <= since;
};

/** The bytes that `Range` asks for, both ends included; undefined when it asks for none, or in words that S3 ignores. */
const rangeOf = (header: string | undefined, sizeBytes: number): { start: number; end: number } | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start > end) throw new AwsError('InvalidRange', 416, 'The requested range is not satisfiable');
  return { start, end };
};

/** The bytes of a part: every object is kept as one. @throws AwsError `InvalidPartNumber`, or `InvalidRequest` beside a range */
const partOf = (part: string, { range }: IncomingHttpHeaders, sizeBytes: number): { start: number; end: number } => {
  if (range !== undefined)
    throw new AwsError('InvalidRequest', 400, 'Cannot specify both Range header and partNumber query parameter');
  if (!/^\d{1,5}$/.test(part)) throw new AwsError('InvalidArgument', 400, `The part number ${part} is no number.`);
  if (Number(part) !== 1) throw new AwsError('InvalidPartNumber', 416, 'The requested partnumber is not satisfiable');
  return { start: 0, end: sizeBytes - 1 };
};

export const createObjectOperations = (objects: S3Objects, onCreated: OnObjectCreated): Operations => {
  const getObject: Operation = ({ request, headers, bucket, key, query }) => {
    const object = objects.find(bucket, key);
    if (!object) throw noSuchKey(key);
    if (isUnchanged(headers, object)) return { status: 304, headers: { etag: object.etag } };
    const part = query.get('partNumber');
    const range = part === null ? rangeOf(headers.range, object.sizeBytes) : partOf(part, headers, object.sizeBytes);
    const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
    return {
      status: range ? 206 : 200,
      headers: {
        ...object.headers,
        ...headersAskedFor(query),
        etag: object.etag,
        'last-modified': new Date(object.modifiedMs).toUTCString(),
        'accept-ranges': 'bytes',
        'content-length': String(end - start + 1),
        ...(range && end >= start && { 'content-range': `bytes ${start}-${end}/${object.sizeBytes}` }),
      },
      ...(request.method === 'GET' && end >= start && { body: objects.read(object, { start, end }) }),
    };
  };

  const copyObject = async (call: Call, source: CopySource): Promise<Answer> => {
    const target = targetOf(call);
    const isReplaced = call.headers['x-amz-metadata-directive'] === 'REPLACE';
    if (!isReplaced && target.bucket === source.object.bucket && target.key === source.object.key)
      throw new AwsError('InvalidRequest', 400, 'An object is copied to itself only with other metadata.');
    const headers = isReplaced ? target.headers : source.object.headers;
    const bytes = copiedBytes(source, objects);
    const object = await objects.put({ ...target, headers }, bytes, writeGuard(call));
    onCreated(object, 'Copy');
    return answerXml('CopyObjectResult', ...copyResult(object.etag, object.modifiedMs));
  };

  const putObject: Operation = async (call) => {
    const source = copySourceOf(call, objects);
    if (source) return copyObject(call, source);
    const object = await objects.put(targetOf(call), readObjectBytes(call.request), writeGuard(call));
    onCreated(object, 'Put');
    return { headers: { etag: object.etag } };
  };

  return {
    'GET object': getObject,
    'GET object?partNumber': getObject,
    'HEAD object': getObject,
    'HEAD object?partNumber': getObject,
    'PUT object': putObject,
    'DELETE object': ({ headers, bucket, key }) => {
      if (headers['if-match']) throw notImplemented('DeleteObject with If-Match');
      objects.remove(bucket, key);
      return { status: 204 };
    },
  };
};
