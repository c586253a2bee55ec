import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { AwsError } from './aws-error.ts';
import { readObjectBytes } from './s3-body.ts';
import type { S3Object, S3Objects, Target, WriteGuard } from './s3-objects.ts';
import { element, escapeXml, readElements } from './xml.ts';

/** Called after an object was written, before the client hears of it. `how` is the end of the notification's event name. */
export type OnObjectCreated = (object: S3Object, how: 'Put' | 'CompleteMultipartUpload') => void;

/** A request, taken apart. */
export interface Call {
  readonly request: IncomingMessage;
  readonly headers: IncomingHttpHeaders;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export type Operation = (call: Call) => Answer | Promise<Answer>;

const KEPT_HEADERS = /^(content-(type|disposition|language)|cache-control|expires|x-amz-meta-.+)$/;
const LARGEST_PAGE = 1000;

export const notImplemented = (what: string): AwsError =>
  new AwsError('NotImplemented', 501, `The embedded S3 does not implement ${what}.`);

const noSuchKey = (key: string): AwsError =>
  new AwsError('NoSuchKey', 404, 'The specified key does not exist.', { Key: key });

const preconditionFailed = (condition: string): AwsError =>
  new AwsError('PreconditionFailed', 412, 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });

const isSameEtag = (given: string, etag: string): boolean => given.replaceAll('"', '') === etag.replaceAll('"', '');

/** What S3 checks before it replaces an object. @throws AwsError `NotImplemented`, as S3 does, for `If-None-Match` with an etag. */
const writeGuard = ({ headers, key }: Call): WriteGuard => {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented('If-None-Match with anything but *');
  return (current) => {
    if (ifNoneMatch && current) throw preconditionFailed('If-None-Match');
    if (ifMatch && !current) throw noSuchKey(key);
    if (ifMatch && current && !isSameEtag(ifMatch, current.etag)) throw preconditionFailed('If-Match');
  };
};

const targetOf = ({ bucket, key, headers }: Call): Target => {
  const kept = Object.entries(headers).filter(([name]) => KEPT_HEADERS.test(name));
  const encoding = headers['content-encoding']
    ?.split(',')
    .filter((name) => name.trim() !== 'aws-chunked')
    .join(',');
  return {
    bucket,
    key,
    headers: {
      'content-type': 'binary/octet-stream',
      ...(Object.fromEntries(kept) as Record<string, string>),
      ...(encoding && { 'content-encoding': encoding }),
    },
  };
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

export const answerXml = (name: string, ...children: readonly string[]): Answer => ({
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, ...children)}`,
});

/** By method, scope and sub-resource. */
export const createOperations = (objects: S3Objects, onCreated: OnObjectCreated): Record<string, Operation> => {
  const list = ({ bucket, query }: Call, after: string) => {
    const maxKeys = Number(query.get('max-keys') ?? LARGEST_PAGE);
    if (!(maxKeys >= 1)) throw new AwsError('InvalidArgument', 400, 'max-keys must be a positive number.');
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const limit = Math.min(maxKeys, LARGEST_PAGE);
    const listing = objects.list(bucket, { prefix, delimiter, after, limit });
    const isEncoded = query.get('encoding-type') === 'url';
    const write = isEncoded ? encodeURIComponent : escapeXml;
    const common = [
      element('Name', bucket),
      element('Prefix', write(prefix)),
      element('Delimiter', write(delimiter)),
      element('MaxKeys', String(limit)),
      ...(isEncoded ? [element('EncodingType', 'url')] : []),
      element('IsTruncated', String(listing.next !== undefined)),
      ...listing.commonPrefixes.map((group) => element('CommonPrefixes', element('Prefix', write(group)))),
    ];
    const entries = listing.objects.map(({ key, etag, sizeBytes, modifiedMs }) => [
      element('Key', write(key)),
      element('LastModified', new Date(modifiedMs).toISOString()),
      element('ETag', escapeXml(etag)),
      element('Size', String(sizeBytes)),
      element('StorageClass', 'STANDARD'),
    ]);
    return { common, entries, listing };
  };

  const listObjects: Operation = (call) => {
    const token = call.query.get('continuation-token');
    const after = token === null ? (call.query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
    const { common, entries, listing } = list(call, after);
    return answerXml(
      'ListBucketResult',
      ...common,
      element('KeyCount', String(entries.length + listing.commonPrefixes.length)),
      ...(listing.next ? [element('NextContinuationToken', Buffer.from(listing.next).toString('base64url'))] : []),
      ...entries.map((entry) => element('Contents', ...entry)),
    );
  };

  /** Nothing is versioned here: each object has the one version that S3 calls `null`. */
  const listVersions: Operation = (call) => {
    const { common, entries, listing } = list(call, call.query.get('key-marker') ?? '');
    const version = [element('VersionId', 'null'), element('IsLatest', 'true')];
    return answerXml(
      'ListVersionsResult',
      ...common,
      ...(listing.next ? [element('NextKeyMarker', escapeXml(listing.next))] : []),
      ...entries.map((entry) => element('Version', ...version, ...entry)),
    );
  };

  const deleteObjects: Operation = async ({ request, bucket }) => {
    const keys = readElements(await text(request), 'Key');
    for (const key of keys) objects.remove(bucket, key);
    return answerXml('DeleteResult', ...keys.map((key) => element('Deleted', element('Key', escapeXml(key)))));
  };

  const listUploads: Operation = ({ bucket }) =>
    answerXml(
      'ListMultipartUploadsResult',
      element('IsTruncated', 'false'),
      ...objects
        .listUploads(bucket)
        .map(({ id, key }) => element('Upload', element('UploadId', id), element('Key', escapeXml(key)))),
    );

  const getObject: Operation = ({ request, headers, bucket, key }) => {
    const object = objects.find(bucket, key);
    if (!object) throw noSuchKey(key);
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, range: rangeHeader } = headers;
    if (ifMatch && ifMatch !== '*' && !isSameEtag(ifMatch, object.etag)) throw preconditionFailed('If-Match');
    if (ifNoneMatch && (ifNoneMatch === '*' || isSameEtag(ifNoneMatch, object.etag)))
      return { status: 304, headers: { etag: object.etag } };
    const range = rangeOf(rangeHeader, object.sizeBytes);
    const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
    return {
      status: range ? 206 : 200,
      headers: {
        ...object.headers,
        etag: object.etag,
        'last-modified': new Date(object.modifiedMs).toUTCString(),
        'accept-ranges': 'bytes',
        'content-length': String(end - start + 1),
        ...(range && { 'content-range': `bytes ${start}-${end}/${object.sizeBytes}` }),
      },
      ...(request.method === 'GET' && end >= start && { body: objects.read(object, { start, end }) }),
    };
  };

  const putObject: Operation = async (call) => {
    if (call.headers['x-amz-copy-source']) throw notImplemented('CopyObject');
    const object = await objects.put(targetOf(call), readObjectBytes(call.request), writeGuard(call));
    onCreated(object, 'Put');
    return { headers: { etag: object.etag } };
  };

  const putPart: Operation = async ({ request, query }) => {
    const number = Number(query.get('partNumber'));
    const etag = await objects.putPart(query.get('uploadId') ?? '', number, readObjectBytes(request));
    return { headers: { etag } };
  };

  const completeUpload: Operation = async (call) => {
    const body = await text(call.request);
    const etags = readElements(body, 'ETag');
    const parts = readElements(body, 'PartNumber').map((number, at) => ({
      number: Number(number),
      etag: etags[at] ?? '',
    }));
    const object = await objects.completeUpload(call.query.get('uploadId') ?? '', parts, writeGuard(call));
    onCreated(object, 'CompleteMultipartUpload');
    const { bucket, key, etag } = object;
    const fields = { Bucket: bucket, Key: key, ETag: etag };
    const children = Object.entries(fields).map(([name, value]) => element(name, escapeXml(value)));
    return answerXml('CompleteMultipartUploadResult', ...children);
  };

  return {
    'GET service': () => {
      const buckets = objects
        .listBuckets()
        .map(({ name, createdMs }) =>
          element('Bucket', element('Name', name), element('CreationDate', new Date(createdMs).toISOString())),
        );
      return answerXml('ListAllMyBucketsResult', element('Buckets', ...buckets));
    },
    'PUT bucket': ({ bucket }) => {
      objects.createBucket(bucket);
      return {};
    },
    'HEAD bucket': ({ bucket }) => {
      objects.assertBucket(bucket);
      return {};
    },
    'DELETE bucket': ({ bucket }) => {
      objects.deleteBucket(bucket);
      return { status: 204 };
    },
    'GET bucket?list-type': listObjects,
    'GET bucket?versions': listVersions,
    'GET bucket?uploads': listUploads,
    'POST bucket?delete': deleteObjects,
    'GET object': getObject,
    'HEAD object': getObject,
    'PUT object': putObject,
    'DELETE object': ({ headers, bucket, key }) => {
      if (headers['if-match']) throw notImplemented('DeleteObject with If-Match');
      objects.remove(bucket, key);
      return { status: 204 };
    },
    'POST object?uploads': (call) => {
      const id = objects.createUpload(targetOf(call));
      return answerXml('InitiateMultipartUploadResult', element('UploadId', id));
    },
    'PUT object?partNumber': putPart,
    'POST object?uploadId': completeUpload,
    'DELETE object?uploadId': ({ query }) => {
      objects.abortUpload(query.get('uploadId') ?? '');
      return { status: 204 };
    },
  };
};
