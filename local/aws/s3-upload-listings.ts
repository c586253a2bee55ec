import { AwsError } from './aws-error.ts';
import { answerXml, type Call, type Operations } from './s3-operation.ts';
import { readEncoding, readPageSize } from './s3-pages.ts';
import { type S3Uploads, startedMs, type Upload } from './s3-uploads.ts';
import { element, escapeXml } from './xml.ts';

/** An upload, or a group of uploads up to a delimiter, which has no id. */
interface Entry {
  readonly name: string;
  readonly id: string;
}

const toEntries = (uploads: readonly Upload[], prefix: string, delimiter: string): readonly Entry[] => {
  const entries: Entry[] = [];
  for (const { key, id } of uploads) {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (cut < 0) entries.push({ name: key, id });
    else if (entries.at(-1)?.name !== key.slice(0, cut + delimiter.length))
      entries.push({ name: key.slice(0, cut + delimiter.length), id: '' });
  }
  return entries;
};

const compareBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

const listUploads = (uploads: S3Uploads, { bucket, query }: Call) => {
  const limit = readPageSize(query, 'max-uploads');
  const { write, encodingType } = readEncoding(query);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const behind = toEntries(uploads.list(bucket, prefix), prefix, delimiter).filter(({ name, id }) => {
    const order = compareBytes(name, keyMarker);
    return order > 0 || (order === 0 && idMarker !== '' && id > idMarker);
  });
  const page = behind.slice(0, limit);
  const last = page.length < behind.length ? page.at(-1) : undefined;
  return answerXml(
    'ListMultipartUploadsResult',
    element('Bucket', bucket),
    element('Prefix', write(prefix)),
    element('Delimiter', write(delimiter)),
    element('KeyMarker', write(keyMarker)),
    element('UploadIdMarker', escapeXml(idMarker)),
    element('MaxUploads', String(limit)),
    ...encodingType,
    element('IsTruncated', String(last !== undefined)),
    ...(last ? [element('NextKeyMarker', write(last.name)), element('NextUploadIdMarker', last.id)] : []),
    ...page.map(({ name, id }) =>
      id === ''
        ? element('CommonPrefixes', element('Prefix', write(name)))
        : element(
            'Upload',
            element('Key', write(name)),
            element('UploadId', id),
            element('StorageClass', 'STANDARD'),
            element('Initiated', new Date(startedMs(id)).toISOString()),
          ),
    ),
  );
};

/** The number of the part behind which a listing goes on. @throws AwsError `InvalidArgument` */
const readMarker = (text: string): number => {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new AwsError('InvalidArgument', 400, 'part-number-marker must be a whole number.');
};

const listParts = (uploads: S3Uploads, { bucket, key, query }: Call) => {
  const id = query.get('uploadId') ?? '';
  const limit = readPageSize(query, 'max-parts');
  const marker = readMarker(query.get('part-number-marker') ?? '0');
  const behind = uploads.listParts({ id, bucket, key }).filter(({ number }) => number > marker);
  const page = behind.slice(0, limit);
  const isTruncated = page.length < behind.length;
  return answerXml(
    'ListPartsResult',
    element('Bucket', bucket),
    element('Key', escapeXml(key)),
    element('UploadId', id),
    element('PartNumberMarker', String(marker)),
    ...(isTruncated ? [element('NextPartNumberMarker', String(page.at(-1)?.number ?? marker))] : []),
    element('MaxParts', String(limit)),
    element('IsTruncated', String(isTruncated)),
    element('StorageClass', 'STANDARD'),
    ...page.map(({ number, etag, sizeBytes, modifiedMs }) =>
      element(
        'Part',
        element('PartNumber', String(number)),
        element('LastModified', new Date(modifiedMs).toISOString()),
        element('ETag', escapeXml(etag)),
        element('Size', String(sizeBytes)),
      ),
    ),
  );
};

/** The uploads that are not complete, and their parts: clients go on with them, or abort them. */
export const createUploadListings = (uploads: S3Uploads): Operations => ({
  'GET bucket?uploads': (call) => listUploads(uploads, call),
  'GET object?uploadId': (call) => listParts(uploads, call),
});
