import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AwsError } from './aws-error.ts';
import type { Blobs } from './blobs.ts';
import type { S3Objects, WriteGuard } from './s3-objects.ts';
import { queryRows, type S3Object, type Target, toTarget } from './s3-rows.ts';
import { isSameEtag } from './s3-writes.ts';

const MOST_PARTS = 10_000;
const SMALLEST_PART_BYTES = 5 * 1024 * 1024;

/** An upload that is not complete. */
export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
}

/** A part of an upload, with its etag in double quotes. */
interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** The time at the beginning of an id, in milliseconds since 1970; 0 for an id of an earlier release. */
export const startedMs = (id: string): number => Number(/^(\d{13})-/.exec(id)?.[1] ?? 0);

/** @throws AwsError for a list of parts that S3 does not join */
const assertParts = (parts: readonly { readonly number: number; readonly sizeBytes: number }[]): void => {
  if (parts.length === 0) throw new AwsError('MalformedXML', 400, 'The list of parts is empty.');
  if (parts.some(({ number }, at) => number <= (parts[at - 1]?.number ?? 0)))
    throw new AwsError('InvalidPartOrder', 400, 'The list of parts was not in ascending order.');
  const small = parts.slice(0, -1).find(({ sizeBytes }) => sizeBytes < SMALLEST_PART_BYTES);
  if (small)
    throw new AwsError(
      'EntityTooSmall',
      400,
      `Part ${small.number} has ${small.sizeBytes} bytes; all but the last need ${SMALLEST_PART_BYTES}.`,
    );
};

/** Multipart uploads that are not complete yet, with their parts. They survive a restart. */
export class S3Uploads {
  readonly #database: DatabaseSync;
  readonly #blobs: Blobs;
  readonly #objects: S3Objects;

  constructor(database: DatabaseSync, blobs: Blobs, objects: S3Objects) {
    this.#database = database;
    this.#blobs = blobs;
    this.#objects = objects;
  }

  /** Begins a multipart upload, and returns its id. */
  create({ bucket, key, headers }: Target): string {
    this.#objects.assertBucket(bucket);
    const id = `${Date.now()}-${randomUUID()}`;
    queryRows(this.#database, 'INSERT INTO uploads VALUES (?, ?, ?, ?)', id, bucket, key, JSON.stringify(headers));
    return id;
  }

  /** The uploads of the keys that begin with `prefix`. */
  list(bucket: string, prefix: string): Upload[] {
    this.#objects.assertBucket(bucket);
    const rows = queryRows(this.#database, 'SELECT id, key FROM uploads WHERE bucket = ? ORDER BY key, id', bucket);
    return rows
      .map(({ id, key }) => ({ id: String(id), bucket, key: String(key) }))
      .filter(({ key }) => key.startsWith(prefix));
  }

  #target({ id, bucket, key }: Upload): Target {
    this.#objects.assertBucket(bucket);
    const sql = 'SELECT bucket, key, headers FROM uploads WHERE id = ? AND bucket = ? AND key = ?';
    const [row] = queryRows(this.#database, sql, id, bucket, key);
    if (!row)
      throw new AwsError(
        'NoSuchUpload',
        404,
        `The upload ${id} of this key does not exist: it was completed, or aborted.`,
      );
    return toTarget(row);
  }

  #parts(upload: string): { readonly number: number; readonly blob: string; readonly md5: string }[] {
    const rows = queryRows(
      this.#database,
      'SELECT number, blob, md5 FROM parts WHERE upload = ? ORDER BY number',
      upload,
    );
    return rows.map(({ number, blob, md5 }) => ({ number: Number(number), blob: String(blob), md5: String(md5) }));
  }

  /** The parts of an upload, by number. */
  listParts(upload: Upload): UploadedPart[] {
    this.#target(upload);
    return this.#parts(upload.id).map(({ number, blob, md5 }) => ({
      ...{ number, etag: `"${md5}"` },
      ...this.#blobs.describe(blob),
    }));
  }

  /** Returns the part's etag. */
  async putPart(upload: Upload, number: number, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    this.#target(upload);
    if (!Number.isInteger(number) || number < 1 || number > MOST_PARTS)
      throw new AwsError('InvalidArgument', 400, `Part number must be an integer between 1 and ${MOST_PARTS}.`);
    const { blob, md5 } = await this.#blobs.write(bytes);
    try {
      this.#target(upload); // it may have been aborted meanwhile
    } catch (error) {
      this.#blobs.remove(blob);
      throw error;
    }
    const replaced = this.#parts(upload.id).filter((part) => part.number === number);
    queryRows(this.#database, 'INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)', upload.id, number, blob, md5);
    this.#blobs.remove(...replaced.map((part) => part.blob));
    return `"${md5}"`;
  }

  /** Joins the named parts. @throws AwsError `InvalidPart` for one that was not uploaded with that etag; `InvalidPartOrder`; `EntityTooSmall` */
  async complete(
    upload: Upload,
    wanted: readonly { readonly number: number; readonly etag: string }[],
    guard: WriteGuard,
  ): Promise<S3Object> {
    const target = this.#target(upload);
    const uploaded = this.#parts(upload.id);
    const parts = wanted.map(({ number, etag }) => {
      const part = uploaded.find((candidate) => candidate.number === number && isSameEtag(etag, candidate.md5));
      if (!part) throw new AwsError('InvalidPart', 400, `Part ${number} with ETag ${etag} was not uploaded.`);
      return part;
    });
    assertParts(parts.map(({ number, blob }) => ({ number, sizeBytes: this.#blobs.describe(blob).sizeBytes })));
    guard(this.#objects.find(target.bucket, target.key));
    const blobs = this.#blobs;
    const joined = async function* (): AsyncIterable<Uint8Array> {
      for (const { blob } of parts) yield* blobs.read(blob);
    };
    const { blob, sizeBytes } = await blobs.write(joined());
    const digest = createHash('md5').update(parts.map(({ md5 }) => md5).join(''), 'hex');
    const etag = `"${digest.digest('hex')}-${parts.length}"`;
    const object = this.#objects.commit({ ...target, blob, sizeBytes, etag }, guard);
    this.abort(upload);
    return object;
  }

  /** Forgets the upload and its parts. */
  abort(upload: Upload): void {
    this.#target(upload);
    const parts = this.#parts(upload.id);
    queryRows(this.#database, 'DELETE FROM uploads WHERE id = ?', upload.id);
    this.#blobs.remove(...parts.map(({ blob }) => blob));
  }
}
