import { ServingError } from '../../core/errors.ts';

/** An object without its bytes. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** An opaque string, which every write of the object changes. */
  readonly etag: string;
}

export interface ListedObject extends ObjectInfo {
  /** Time of the last write by the store's clock, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** Short strings of ASCII beside the bytes of an object, by lower-case names of letters, digits and hyphens. */
export type ObjectMetadata = Readonly<Record<string, string>>;

export interface ObjectHead extends ObjectInfo {
  /** The metadata of the object's last write; empty when it had none. */
  readonly metadata: ObjectMetadata;
  readonly contentEncoding?: string | undefined;
}

export interface StoredObject extends ObjectInfo {
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
  /** The coding in which it was uploaded, such as `gzip`. */
  readonly contentEncoding?: string | undefined;
}

/** `ifNoneMatch: '*'` creates an object, and replaces none; `ifMatch` replaces only the object with that etag. */
export type WriteCondition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

export interface WriteOptions {
  readonly condition?: WriteCondition;
  readonly contentType?: string;
  /** S3 takes up to 2 KB of names and values together. */
  readonly metadata?: ObjectMetadata;
}

export interface UploadOptions {
  /** The sha256 of the file, in lower-case hexadecimal. */
  readonly sha256: string;
  readonly onProgress?: (sentBytes: number) => void;
}

/**
 * A store of objects: S3, or a directory. Segments of keys are separated by `/`.
 *
 * Every method throws `MODEL_UNAVAILABLE` when the store cannot be reached, is too slow, or fails; the caller may try again.
 */
export interface ObjectStore {
  /** The name of the store for operators: `s3://bucket` or the path of the directory. */
  readonly location: string;
  /** @throws `NOT_FOUND` */
  head(key: string): Promise<ObjectHead>;
  /** @throws `NOT_FOUND`; `PAYLOAD_TOO_LARGE` above `maxBytes`, before the body is read */
  read(key: string, maxBytes?: number): Promise<StoredObject>;
  /** Reads the object when it no longer has `etag`; undefined while it has. @throws `NOT_FOUND`; `PAYLOAD_TOO_LARGE` */
  readChanged(key: string, etag: string, maxBytes?: number): Promise<StoredObject | undefined>;
  /** The bytes from `start` up to, not including, `end`. @throws `NOT_FOUND`; `CONFLICT` when the object does not have `etag` */
  readRange(key: string, start: number, end: number, etag?: string): AsyncIterable<Uint8Array>;
  /** Reads a range with less work and memory: a block is overwritten once the next is asked for. @throws `NOT_FOUND` */
  readBlocks(key: string, start: number, end: number): AsyncIterable<Uint8Array>;
  /** Writes the object whole and returns its etag. @throws `CONFLICT` when the condition does not hold, and then nothing is written */
  write(key: string, body: Uint8Array | string, options?: WriteOptions): Promise<string>;
  /** Every object whose key starts with `prefix` and comes behind `after`, in the order of the bytes of the keys. */
  list(prefix: string, after?: string): AsyncIterable<ListedObject>;
  /** The distinct next path segments below `prefix`, which ends in `/` or is empty; deeper objects are not listed. */
  folders(prefix: string): AsyncIterable<string>;
  /** Removes the object; a key that does not exist is removed already. */
  remove(key: string): Promise<void>;
  /** A URL that reads the object for so many seconds, without credentials; left out by a store that has no URLs. */
  presign?(key: string, seconds: number): Promise<string>;
  /** A URL that writes the object once or more within so many seconds, with exactly these properties; left out as `presign` is. */
  presignWrite?(key: string, seconds: number, bounds: WriteBounds): Promise<PresignedWrite>;
}

/** Properties that an object has to have which a URL writes. */
export interface WriteBounds {
  readonly sizeBytes: number;
  readonly contentType: string;
  /** In hexadecimal. */
  readonly sha256?: string | undefined;
}

/** A URL for PUT, and the headers that its request has to have. */
export interface PresignedWrite {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A store that takes files of any size, for publishing; functions do not need it. */
export interface UploadingStore extends ObjectStore {
  /** Writes the file at `path` under `key`, whole or not at all. @throws `CONFLICT` when the file no longer has its sha256 */
  upload(key: string, path: string, options: UploadOptions): Promise<void>;
}

/** The error that `location` has no object `key`. Only the operator reads the location. */
export const missingObject = (location: string, key: string, cause?: unknown): ServingError =>
  new ServingError('NOT_FOUND', `${key} does not exist`, { operator: `it was looked for in ${location}`, cause });

/** The error that another writer has replaced the object, or created it first. */
export const replacedObject = (location: string, key: string, cause?: unknown): ServingError =>
  new ServingError('CONFLICT', `${key} was written by someone else`, { operator: `it lies in ${location}`, cause });

/** @throws `PAYLOAD_TOO_LARGE` when the object is larger than its reader takes */
export const assertSize = (key: string, sizeBytes: number, maxBytes: number): void => {
  if (sizeBytes <= maxBytes) return;
  throw new ServingError('PAYLOAD_TOO_LARGE', `${key} has ${sizeBytes} bytes, at most ${maxBytes} are read`);
};
