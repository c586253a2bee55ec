import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AwsError } from './aws-error.ts';
import type { Blobs } from './blobs.ts';
import type { S3Objects, WriteGuard } from './s3-objects.ts';
import { queryRows, type S3Object, type Target, toTarget } from './s3-rows.ts';
import { isSameEtag } from './s3-writes.ts';

const MOST_PARTS = 10_000;
const SMALLEST_PART_BYTES = 5 * 1024 * 1024;

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
    const id = randomUUID();
    queryRows(this.#database, 'INSERT INTO uploads VALUES (?, ?, ?, ?)', id, bucket, key, JSON.stringify(headers));
    return id;
  }

  /** The uploads of the keys that begin with `prefix`. */
  list(bucket: string, prefix: string): { readonly id: string; readonly key: string }[] {
    this.#objects.assertBucket(bucket);
    const rows = queryRows(this.#database, 'SELECT id, key FROM uploads WHERE bucket = ? ORDER BY key', bucket);
    return rows
      .map(({ id, key }) => ({ id: String(id), key: String(key) }))
      .filter(({ key }) => key.startsWith(prefix));
  }

  #upload(id: string): Target {
    const [row] = queryRows(this.#database, 'SELECT bucket, key, headers FROM uploads WHERE id = ?', id);
    if (!row) throw new AwsError('NoSuchUpload', 404, `The upload ${id} does not exist: it was completed, or aborted.`);
    return toTarget(row);
  }

  #parts(upload: string): { readonly number: number; readonly blob: string; readonly md5: string }[] {
    const rows = queryRows(this.#database, 'SELECT number, blob, md5 FROM parts WHERE upload = ?', upload);
    return rows.map(({ number, blob, md5 }) => ({ number: Number(number), blob: String(blob), md5: String(md5) }));
  }

  /** Returns the part's etag. */
  async putPart(upload: string, number: number, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    this.#upload(upload);
    if (!Number.isInteger(number) || number < 1 || number > MOST_PARTS)
      throw new AwsError('InvalidArgument', 400, `Part number must be an integer between 1 and ${MOST_PARTS}.`);
    const { blob, md5 } = await this.#blobs.write(bytes);
    const replaced = this.#parts(upload).filter((part) => part.number === number);
    queryRows(this.#database, 'INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)', upload, number, blob, md5);
    this.#blobs.remove(...replaced.map((part) => part.blob));
    return `"${md5}"`;
  }

  /** Joins the named parts. @throws AwsError `InvalidPart` for one that was not uploaded with that etag; `InvalidPartOrder`; `EntityTooSmall` */
  async complete(
    upload: string,
    wanted: readonly { readonly number: number; readonly etag: string }[],
    guard: WriteGuard,
  ): Promise<S3Object> {
    const target = this.#upload(upload);
    const uploaded = this.#parts(upload);
    const parts = wanted.map(({ number, etag }) => {
      const part = uploaded.find((candidate) => candidate.number === number && isSameEtag(etag, candidate.md5));
      if (!part) throw new AwsError('InvalidPart', 400, `Part ${number} with ETag ${etag} was not uploaded.`);
      return part;
    });
    assertParts(parts.map(({ number, blob }) => ({ number, sizeBytes: this.#blobs.size(blob) })));
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
  abort(upload: string): void {
    this.#upload(upload);
    const parts = this.#parts(upload);
    queryRows(this.#database, 'DELETE FROM uploads WHERE id = ?', upload);
    this.#blobs.remove(...parts.map(({ blob }) => blob));
  }
}
