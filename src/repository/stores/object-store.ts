/** An object as a listing or a read names it. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Opaque: equal exactly while the object was not written again. */
  readonly etag: string;
}

export interface ListedObject extends ObjectInfo {
  /** By the clock of the store. */
  readonly modifiedMs: number;
}

export interface StoredObject extends ObjectInfo {
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
}

/** `ifNoneMatch: '*'` writes only a key that does not exist; `ifMatch` replaces only the object with that etag. */
export type WriteCondition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

export interface WriteOptions {
  readonly condition?: WriteCondition;
  readonly contentType?: string;
}

export interface UploadOptions {
  /** Of the file, in lower-case hexadecimal. */
  readonly sha256: string;
  readonly onProgress?: (sentBytes: number) => void;
}

/**
 * Where objects live: S3, or a directory. Keys are `/`-separated.
 *
 * Every method throws `MODEL_UNAVAILABLE` when the store cannot be reached, is too slow, or fails; the caller may try again.
 */
export interface ObjectStore {
  /** For messages: `s3://bucket` or the directory. */
  readonly location: string;
  /** @throws `NOT_FOUND` */
  head(key: string): Promise<ObjectInfo>;
  /** @throws `NOT_FOUND`; `PAYLOAD_TOO_LARGE` above `maxBytes`, before the body is read. */
  read(key: string, maxBytes?: number): Promise<StoredObject>;
  /** The object when it no longer has `etag`, otherwise undefined. @throws `NOT_FOUND` */
  readChanged(key: string, etag: string): Promise<StoredObject | undefined>;
  /** The bytes from `start` up to, not including, `end`. @throws `NOT_FOUND`; `CONFLICT` when the object does not have `etag`. */
  readRange(key: string, start: number, end: number, etag?: string): AsyncIterable<Uint8Array>;
  /** Returns the etag. @throws `CONFLICT` when the condition does not hold, and then nothing is written. */
  write(key: string, body: Uint8Array | string, options?: WriteOptions): Promise<string>;
  /** Every object whose key starts with `prefix`, in no particular order, however many pages that takes. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** The distinct next path segments below `prefix` (which ends in `/` or is empty), without reading what lies deeper. */
  folders(prefix: string): AsyncIterable<string>;
  /** Removes the object; a key that does not exist is removed already. */
  remove(key: string): Promise<void>;
}

/** A store that takes files, however large: for whoever publishes. Functions have no use for it. */
export interface UploadingStore extends ObjectStore {
  /** Writes the file at `path` under `key`, whole or not at all. @throws `CONFLICT` when the file no longer has its sha256 */
  upload(key: string, path: string, options: UploadOptions): Promise<void>;
}
