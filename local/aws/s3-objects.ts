import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Readable } from 'node:stream';
import { AwsError } from './aws-error.ts';
import type { Blobs } from './blobs.ts';

/** The place of an object, and the headers that come back with every read: content type, `x-amz-meta-…`, … */
export interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface S3Object extends Target {
  readonly sizeBytes: number;
  /** With its double quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly blob: string;
}

/** Throws when `current` must not be replaced. */
export type WriteGuard = (current: S3Object | undefined) => void;

export interface ListOptions {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only keys after this one. */
  readonly after: string;
  readonly limit: number;
}

export interface Listing {
  readonly objects: readonly S3Object[];
  readonly commonPrefixes: readonly string[];
  /** `after` of the next page, when there is one. */
  readonly next?: string;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, createdMs INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, headers TEXT NOT NULL, sizeBytes INTEGER NOT NULL, etag TEXT NOT NULL,
    modifiedMs INTEGER NOT NULL, blob TEXT NOT NULL, PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, headers TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT REFERENCES uploads ON DELETE CASCADE, number INTEGER, blob TEXT NOT NULL, md5 TEXT NOT NULL,
    PRIMARY KEY (upload, number)
  ) STRICT;`;

/** Sorts after every other character of a key. */
const LAST_CHARACTER = '\u{10FFFF}';

type Row = Readonly<Record<string, SQLOutputValue>>;

const toTarget = (row: Row): Target => ({
  bucket: String(row.bucket),
  key: String(row.key),
  headers: JSON.parse(String(row.headers)),
});

const toObject = (row: Row): S3Object => ({
  ...toTarget(row),
  sizeBytes: Number(row.sizeBytes),
  etag: String(row.etag),
  modifiedMs: Number(row.modifiedMs),
  blob: String(row.blob),
});

/**
 * Buckets and objects that survive a restart: a row for each object, and a blob for its bytes. A write compares and
 * replaces the row within one turn of the event loop, so that of two racing writers one always sees the other.
 */
export class S3Objects {
  readonly #database: DatabaseSync;
  readonly #blobs: Blobs;

  constructor(database: DatabaseSync, blobs: Blobs) {
    this.#database = database;
    this.#blobs = blobs;
    database.exec(SCHEMA);
    const named = this.#rows('SELECT blob FROM objects UNION SELECT blob FROM parts').map(({ blob }) => blob);
    blobs.removeAllBut(new Set(named));
  }

  #rows(sql: string, ...values: (string | number)[]): Row[] {
    return this.#database.prepare(sql).all(...values);
  }

  createBucket(name: string): void {
    this.#rows('INSERT OR IGNORE INTO buckets VALUES (?, ?)', name, Date.now());
  }

  listBuckets(): { readonly name: string; readonly createdMs: number }[] {
    const rows = this.#rows('SELECT * FROM buckets ORDER BY name');
    return rows.map(({ name, createdMs }) => ({ name: String(name), createdMs: Number(createdMs) }));
  }

  /** @throws AwsError `NoSuchBucket` */
  assertBucket(name: string): void {
    if (this.#rows('SELECT 1 FROM buckets WHERE name = ?', name).length === 0)
      throw new AwsError('NoSuchBucket', 404, `The bucket ${name} does not exist.`);
  }

  /** @throws AwsError `BucketNotEmpty` */
  deleteBucket(name: string): void {
    this.assertBucket(name);
    if (this.#rows('SELECT 1 FROM objects WHERE bucket = ? LIMIT 1', name).length > 0)
      throw new AwsError('BucketNotEmpty', 409, `The bucket ${name} is not empty.`);
    this.#rows('DELETE FROM buckets WHERE name = ?', name);
  }

  find(bucket: string, key: string): S3Object | undefined {
    this.assertBucket(bucket);
    const [row] = this.#rows('SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, key);
    return row && toObject(row);
  }

  read({ blob }: S3Object, range: { readonly start: number; readonly end: number }): Readable {
    return this.#blobs.read(blob, range);
  }

  /** Keys in the order of their UTF-8 bytes, as S3 lists them. */
  list(bucket: string, { prefix, delimiter, after, limit }: ListOptions): Listing {
    this.assertBucket(bucket);
    const rows = this.#database
      .prepare('SELECT * FROM objects WHERE bucket = ? AND key >= ? AND key > ? ORDER BY key')
      .iterate(bucket, prefix, after);
    const objects: S3Object[] = [];
    const commonPrefixes: string[] = [];
    let next = after;
    for (const row of rows) {
      const key = String(row.key);
      if (!key.startsWith(prefix)) break;
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      const group = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
      if (group !== undefined && group === commonPrefixes.at(-1)) continue;
      if (objects.length + commonPrefixes.length === limit) return { objects, commonPrefixes, next };
      if (group === undefined) objects.push(toObject(row));
      else commonPrefixes.push(group);
      next = group === undefined ? key : group + LAST_CHARACTER;
    }
    return { objects, commonPrefixes };
  }

  /** Writes the bytes to disk, and then makes them the object unless `guard` forbids it. */
  async put(target: Target, bytes: AsyncIterable<Uint8Array>, guard: WriteGuard): Promise<S3Object> {
    this.assertBucket(target.bucket);
    const { md5, ...written } = await this.#blobs.write(bytes);
    return this.#commit({ ...target, ...written, etag: `"${md5}"` }, guard);
  }

  /** Synchronous from the comparison to the replacement. */
  #commit(object: Omit<S3Object, 'modifiedMs'>, guard: WriteGuard): S3Object {
    try {
      const { bucket, key, sizeBytes, etag, blob } = object;
      const current = this.find(bucket, key);
      guard(current);
      const modifiedMs = Date.now();
      const headers = JSON.stringify(object.headers);
      const sql = 'INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)';
      this.#rows(sql, bucket, key, headers, sizeBytes, etag, modifiedMs, blob);
      if (current) this.#blobs.remove(current.blob);
      return { ...object, modifiedMs };
    } catch (error) {
      this.#blobs.remove(object.blob);
      throw error;
    }
  }

  /** An object that does not exist is removed already. */
  remove(bucket: string, key: string): void {
    this.assertBucket(bucket);
    const removed = this.#rows('DELETE FROM objects WHERE bucket = ? AND key = ? RETURNING blob', bucket, key);
    this.#blobs.remove(...removed.map(({ blob }) => String(blob)));
  }

  /** Begins a multipart upload, and returns its id. */
  createUpload({ bucket, key, headers }: Target): string {
    this.assertBucket(bucket);
    const id = randomUUID();
    this.#rows('INSERT INTO uploads VALUES (?, ?, ?, ?)', id, bucket, key, JSON.stringify(headers));
    return id;
  }

  listUploads(bucket: string): { readonly id: string; readonly key: string }[] {
    this.assertBucket(bucket);
    const rows = this.#rows('SELECT id, key FROM uploads WHERE bucket = ? ORDER BY key', bucket);
    return rows.map(({ id, key }) => ({ id: String(id), key: String(key) }));
  }

  #upload(id: string): Target {
    const [row] = this.#rows('SELECT bucket, key, headers FROM uploads WHERE id = ?', id);
    if (!row) throw new AwsError('NoSuchUpload', 404, `The upload ${id} does not exist: it was completed, or aborted.`);
    return toTarget(row);
  }

  #parts(upload: string): { readonly number: number; readonly blob: string; readonly md5: string }[] {
    const rows = this.#rows('SELECT number, blob, md5 FROM parts WHERE upload = ?', upload);
    return rows.map(({ number, blob, md5 }) => ({ number: Number(number), blob: String(blob), md5: String(md5) }));
  }

  /** Returns the part's etag. */
  async putPart(upload: string, number: number, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    this.#upload(upload);
    const { blob, md5 } = await this.#blobs.write(bytes);
    const replaced = this.#parts(upload).filter((part) => part.number === number);
    this.#rows('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)', upload, number, blob, md5);
    this.#blobs.remove(...replaced.map((part) => part.blob));
    return `"${md5}"`;
  }

  /** Joins the named parts. @throws AwsError `InvalidPart` for one that was not uploaded with that etag. */
  async completeUpload(
    upload: string,
    wanted: readonly { readonly number: number; readonly etag: string }[],
    guard: WriteGuard,
  ): Promise<S3Object> {
    const target = this.#upload(upload);
    const uploaded = this.#parts(upload);
    const parts = wanted.map(({ number, etag }) => {
      const part = uploaded.find((candidate) => candidate.number === number && `"${candidate.md5}"` === etag);
      if (!part) throw new AwsError('InvalidPart', 400, `Part ${number} with ETag ${etag} was not uploaded.`);
      return part;
    });
    guard(this.find(target.bucket, target.key));
    const blobs = this.#blobs;
    const joined = async function* (): AsyncIterable<Uint8Array> {
      for (const { blob } of parts) yield* blobs.read(blob);
    };
    const { blob, sizeBytes } = await blobs.write(joined());
    const digest = createHash('md5').update(parts.map(({ md5 }) => md5).join(''), 'hex');
    const etag = `"${digest.digest('hex')}-${parts.length}"`;
    const object = this.#commit({ ...target, blob, sizeBytes, etag }, guard);
    this.abortUpload(upload);
    return object;
  }

  /** Forgets the upload and its parts. */
  abortUpload(upload: string): void {
    this.#upload(upload);
    const parts = this.#parts(upload);
    this.#rows('DELETE FROM uploads WHERE id = ?', upload);
    this.#blobs.remove(...parts.map(({ blob }) => blob));
  }
}
