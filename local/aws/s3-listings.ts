import { isUtf8 } from 'node:buffer';
import { text } from 'node:stream/consumers';
import { AwsError } from './aws-error.ts';
import type { S3Objects } from './s3-objects.ts';
import { type Answer, answerXml, type Call, notImplemented, type Operation, type Operations } from './s3-operation.ts';
import { LARGEST_PAGE, readEncoding, readPageSize } from './s3-pages.ts';
import { element, escapeXml, readElements } from './xml.ts';

/** The elements of a page of keys, which both listings share. */
const listPage = (objects: S3Objects, { bucket, query }: Call, after: string) => {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const limit = readPageSize(query, 'max-keys');
  const listing = objects.list(bucket, { prefix, delimiter, after, limit });
  const { write, encodingType } = readEncoding(query);
  const common = [
    element('Name', bucket),
    element('Prefix', write(prefix)),
    element('Delimiter', write(delimiter)),
    element('MaxKeys', String(limit)),
    ...encodingType,
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
  return { common, entries, listing, write };
};

/** The key after which a listing goes on. @throws AwsError `InvalidArgument` for a token that no listing gave */
const readToken = (token: string): string => {
  const key = Buffer.from(token, 'base64url');
  if (key.byteLength > 0 && key.toString('base64url') === token && isUtf8(key)) return key.toString();
  throw new AwsError('InvalidArgument', 400, 'The continuation token provided is incorrect.');
};

const deleteObjects = async (objects: S3Objects, { request, bucket }: Call): Promise<Answer> => {
  const body = await text(request);
  const keys = readElements(body, 'Key');
  if (keys.length === 0) throw new AwsError('MalformedXML', 400, 'Expected <Delete> with a <Key> in each <Object>.');
  const versions = readElements(body, 'VersionId').filter((version) => version !== 'null');
  if (versions.length > 0) throw notImplemented(`DeleteObjects with VersionId ${versions[0]}`);
  if (body.includes('<ETag>')) throw notImplemented('DeleteObjects with ETag');
  if (keys.length > LARGEST_PAGE)
    throw new AwsError('MalformedXML', 400, `${keys.length} keys, at most ${LARGEST_PAGE}.`);
  for (const key of keys) objects.remove(bucket, key);
  const [quiet] = readElements(body, 'Quiet');
  const told = quiet === 'true' ? [] : keys;
  return answerXml('DeleteResult', ...told.map((key) => element('Deleted', element('Key', escapeXml(key)))));
};

/** Operations that list, and the one that removes many objects at once. */
export const createListings = (objects: S3Objects): Operations => {
  const listObjects: Operation = (call) => {
    const token = call.query.get('continuation-token');
    const after = token === null ? (call.query.get('start-after') ?? '') : readToken(token);
    const { common, entries, listing } = listPage(objects, call, after);
    return answerXml(
      'ListBucketResult',
      ...common,
      element('KeyCount', String(entries.length + listing.commonPrefixes.length)),
      ...(listing.next ? [element('NextContinuationToken', Buffer.from(listing.next).toString('base64url'))] : []),
      ...entries.map((entry) => element('Contents', ...entry)),
    );
  };

  /** The first version of the listing, whose next page starts after the last key, or after `NextMarker`. */
  const listFirstVersion: Operation = (call) => {
    const marker = call.query.get('marker') ?? '';
    const { common, entries, listing, write } = listPage(objects, call, marker);
    return answerXml(
      'ListBucketResult',
      ...common,
      element('Marker', write(marker)),
      ...(listing.next ? [element('NextMarker', write(listing.next))] : []),
      ...entries.map((entry) => element('Contents', ...entry)),
    );
  };

  /** Nothing is versioned here: each object has the one version that S3 calls `null`. */
  const listVersions: Operation = (call) => {
    const { common, entries, listing, write } = listPage(objects, call, call.query.get('key-marker') ?? '');
    const version = [element('VersionId', 'null'), element('IsLatest', 'true')];
    return answerXml(
      'ListVersionsResult',
      ...common,
      ...(listing.next ? [element('NextKeyMarker', write(listing.next))] : []),
      ...entries.map((entry) => element('Version', ...version, ...entry)),
    );
  };

  return {
    'GET bucket': listFirstVersion,
    'GET bucket?list-type': listObjects,
    'GET bucket?versions': listVersions,
    'POST bucket?delete': (call) => deleteObjects(objects, call),
  };
};
