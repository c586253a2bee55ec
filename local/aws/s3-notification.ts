import type { S3EventRecord } from 'aws-lambda';
import type { S3Object } from './s3-rows.ts';
import type { CreatedBy } from './s3-writes.ts';

/** A rule of a bucket's notification configuration: what is created under `prefix` is told to `queue`. */
export interface S3Notification {
  readonly bucket: string;
  readonly prefix: string;
  readonly queue: string;
}

let lastSequence = 0n;

/** Larger than every earlier one, also after a restart: from the time of day, in microseconds. Compared as text. */
const nextSequencer = (): string => {
  const now = BigInt(Date.now()) * 1000n;
  lastSequence = now > lastSequence ? now : lastSequence + 1n;
  return lastSequence.toString(16).toUpperCase().padStart(18, '0');
};

/** The body of the message that S3 sends: JSON, in which the key is URL-encoded with `+` for a space. */
export const toS3Event = (object: S3Object, how: CreatedBy, region: string): string => {
  const { bucket, key, sizeBytes, etag, modifiedMs } = object;
  const record: S3EventRecord = {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: new Date(modifiedMs).toISOString(),
    eventName: `ObjectCreated:${how}`,
    userIdentity: { principalId: 'EMBEDDED' },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: { 'x-amz-request-id': 'EMBEDDED', 'x-amz-id-2': 'EMBEDDED' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'embedded',
      bucket: { name: bucket, ownerIdentity: { principalId: 'EMBEDDED' }, arn: `arn:aws:s3:::${bucket}` },
      object: {
        key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'),
        size: sizeBytes,
        eTag: etag.replaceAll('"', ''),
        sequencer: nextSequencer(),
      },
    },
  };
  return JSON.stringify({ Records: [record] });
};
