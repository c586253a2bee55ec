import type { DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import { AwsError } from './aws-error.ts';
import type { Blobs } from './blobs.ts';
import { queryRows, type Row, S3_SCHEMA, type S3Object, type Target, toObject } from './s3-rows.ts';

/** Throws when `current` must not be replaced. */
export type WriteGuard = (current: S3Object | undefined) => void;

export interface ListOptions {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only keys after this one, or, if it is a group of keys up to a delimiter, after the group. */
  readonly after: string;
  readonly limit: number;
}

export interface Listing {
  readonly objects: readonly S3Object[];
  readonly commonPrefixes: readonly string[];
  /** `after` of the next page, when there is one. */
  readonly next?: string;
}

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
    database.exec(S3_SCHEMA);
    const named = this.#rows('SELECT blob FROM objects UNION SELECT blob FROM parts').map(({ blob }) => blob);
    blobs.removeAllBut(new Set(named));
  }

  #rows(sql: string, ...values: (string | number)[]): Row[] {
    return queryRows(this.#database, sql, ...values);
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
      if (group !== undefined && (group === commonPrefixes.at(-1) || group === after)) continue;
      if (objects.length + commonPrefixes.length === limit)
        return { objects, commonPrefixes, ...(limit > 0 && { next }) };
      if (group === undefined) objects.push(toObject(row));
      else commonPrefixes.push(group);
      next = group ?? key;
    }
    return { objects, commonPrefixes };
  }

  /** Writes the bytes to disk, and then makes them the object unless `guard` forbids it. */
  async put(target: Target, bytes: AsyncIterable<Uint8Array>, guard: WriteGuard): Promise<S3Object> {
    this.assertBucket(target.bucket);
    const { md5, ...written } = await this.#blobs.write(bytes);
    return this.commit({ ...target, ...written, etag: `"${md5}"` }, guard);
  }

  /** Makes bytes that are written already the object unless `guard` forbids it; synchronous from the comparison to the replacement. */
  commit(object: Omit<S3Object, 'modifiedMs'>, guard: WriteGuard): S3Object {
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
}
