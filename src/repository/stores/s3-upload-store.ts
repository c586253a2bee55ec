import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { assertUnchanged } from '../versions/file-hash.ts';
import type { ObjectStore, UploadingStore } from './object-store.ts';
import { FUNCTION_PATIENCE, patiently } from './s3-patience.ts';
import { toServingError } from './s3-reader.ts';
import { createS3Store } from './s3-store.ts';

/** A file of up to one part is one PUT. S3 takes up to 10,000 parts: 84 GB, more than /tmp holds. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_IN_FLIGHT = 4;

/** A file to send. */
interface Source {
  readonly file: FileHandle;
  readonly path: string;
  readonly sizeBytes: number;
  /** The sha256 of the whole file when it was hashed, in lower-case hexadecimal. */
  readonly sha256: string;
  readonly onSent: (bytes: number) => void;
}

/** Sends one part; S3 checks its sha256. */
type SendPart = (number: number, part: Uint8Array, base64Sha256: string) => Promise<CompletedPart>;

const sha256Of = (part: Uint8Array, encoding: 'hex' | 'base64'): string =>
  createHash('sha256').update(part).digest(encoding);

/** Reads a part, which is shorter than `bytes` when the file has become shorter: then its sha256 differs. */
const readPart = async (file: FileHandle, start: number, bytes: number): Promise<Buffer> => {
  const part = Buffer.allocUnsafe(bytes);
  let filled = 0;
  for (let read = 1; filled < bytes && read > 0; filled += read)
    read = (await file.read(part, filled, bytes - filled, start + filled)).bytesRead;
  return part.subarray(0, filled);
};

/** Reads the file in order and sends its parts, a few at a time. @throws `CONFLICT` when it is not the file that was hashed */
const sendParts = async ({ file, path, sizeBytes, sha256, onSent }: Source, send: SendPart) => {
  const hash = createHash('sha256');
  const parts: CompletedPart[] = [];
  const underWay = new Set<Promise<void>>();
  const sendOne = async (number: number, part: Buffer): Promise<void> => {
    parts[number - 1] = await send(number, part, sha256Of(part, 'base64'));
    onSent(part.byteLength);
  };
  try {
    for (let start = 0; start < sizeBytes; start += PART_BYTES) {
      const part = await readPart(file, start, Math.min(PART_BYTES, sizeBytes - start));
      hash.update(part);
      const sending = sendOne(start / PART_BYTES + 1, part);
      underWay.add(sending);
      sending.then(
        () => underWay.delete(sending),
        () => {}, // it stays in the set, and is thrown below
      );
      if (underWay.size === PARTS_IN_FLIGHT) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    assertUnchanged(path, hash.digest('hex'), sha256);
    return parts;
  } finally {
    await Promise.allSettled(underWay); // no part may arrive after the upload is aborted
  }
};

/** Tells whether an upload that S3 no longer knows was completed, and the answer was lost. */
const isStored = async (error: unknown, store: ObjectStore, key: string, sha256: string): Promise<boolean> => {
  if (!(error instanceof S3ServiceException) || error.name !== 'NoSuchUpload') return false;
  const { metadata } = await store.head(key);
  return metadata.sha256 === sha256;
};

/** The S3 store with uploads of files. A file of more than one part is sent by multipart upload, which is aborted when it fails. */
export const createS3UploadStore = (client: S3Client, bucket: string, patience = FUNCTION_PATIENCE): UploadingStore => {
  const store = createS3Store(client, bucket, patience);

  const putWhole = async (key: string, { file, path, sizeBytes, sha256, onSent }: Source): Promise<void> => {
    const body = await readPart(file, 0, sizeBytes);
    assertUnchanged(path, sha256Of(body, 'hex'), sha256);
    const ChecksumSHA256 = sha256Of(body, 'base64');
    const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ChecksumSHA256 });
    await patiently(patience, sizeBytes, (abortSignal) => client.send(command, { abortSignal }));
    onSent(body.byteLength);
  };

  const putParts = async (key: string, source: Source): Promise<void> => {
    const object = { Bucket: bucket, Key: key };
    const sums = { ChecksumAlgorithm: 'SHA256', Metadata: { sha256: source.sha256 } } as const;
    const create = new CreateMultipartUploadCommand({ ...object, ...sums });
    const created = await patiently(patience, 0, (abortSignal) => client.send(create, { abortSignal }));
    const upload = { ...object, UploadId: created.UploadId };
    try {
      const Parts = await sendParts(source, async (PartNumber, Body, ChecksumSHA256) => {
        const command = new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumSHA256 });
        const { ETag } = await patiently(patience, PARTS_IN_FLIGHT * Body.byteLength, (abortSignal) =>
          client.send(command, { abortSignal }),
        );
        return { PartNumber, ETag, ChecksumSHA256 };
      });
      const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
      // S3 joins the parts before it ends its answer: as long as to send them, at most.
      await patiently(patience, source.sizeBytes, (abortSignal) => client.send(complete, { abortSignal }));
    } catch (error) {
      if (await isStored(error, store, key, source.sha256).catch(() => false)) return;
      // When this fails too, the bucket's lifecycle removes the parts within a day.
      const abort = new AbortMultipartUploadCommand(upload);
      await patiently(patience, 0, (abortSignal) => client.send(abort, { abortSignal })).catch(() => {});
      throw error;
    }
  };

  return {
    ...store,
    async upload(key, path, { sha256, onProgress }) {
      let sentBytes = 0;
      const onSent = (bytes: number): void => {
        sentBytes += bytes;
        onProgress?.(sentBytes);
      };
      const file = await open(path);
      try {
        const { size: sizeBytes } = await file.stat();
        const source: Source = { file, path, sizeBytes, sha256, onSent };
        await (sizeBytes > PART_BYTES ? putParts(key, source) : putWhole(key, source));
      } catch (error) {
        throw toServingError(error, store.location, key);
      } finally {
        await file.close();
      }
    },
  };
};
