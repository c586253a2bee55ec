import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { PresignedWrite, WriteBounds } from './object-store.ts';
import type { Bucket } from './s3-bucket.ts';

const CHECKSUM = 'x-amz-checksum-sha256';

/** A URL that reads the object for so many seconds. */
export const presignRead = ({ client, name: Bucket }: Bucket, Key: string, expiresIn: number): Promise<string> =>
  getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn });

/** A URL that writes the object. The signature holds the headers, so that S3 refuses another size, type or checksum. */
export const presignWrite = async (
  { client, name: Bucket }: Bucket,
  Key: string,
  expiresIn: number,
  { sizeBytes: ContentLength, contentType: ContentType, sha256 }: WriteBounds,
): Promise<PresignedWrite> => {
  const checksum = sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('base64');
  const content = { ContentLength, ContentType, ...(checksum !== undefined && { ChecksumSHA256: checksum }) };
  const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key, ...content }), {
    expiresIn,
    signableHeaders: new Set(['content-type']), // which the presigner leaves out otherwise
    unhoistableHeaders: new Set([CHECKSUM]), // S3 compares the header alone
  });
  const headers = {
    'content-length': String(ContentLength),
    'content-type': ContentType,
    ...(checksum !== undefined && { [CHECKSUM]: checksum }),
  };
  return { url, headers };
};
