import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

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

/** Every key of a bucket is a row, and so is every part of an upload that is not complete. */
export const S3_SCHEMA = `
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

export type Row = Readonly<Record<string, SQLOutputValue>>;

export const toTarget = (row: Row): Target => ({
  bucket: String(row.bucket),
  key: String(row.key),
  headers: JSON.parse(String(row.headers)),
});

export const toObject = (row: Row): S3Object => ({
  ...toTarget(row),
  sizeBytes: Number(row.sizeBytes),
  etag: String(row.etag),
  modifiedMs: Number(row.modifiedMs),
  blob: String(row.blob),
});

export const queryRows = (database: DatabaseSync, sql: string, ...values: (string | number)[]): Row[] =>
  database.prepare(sql).all(...values);
