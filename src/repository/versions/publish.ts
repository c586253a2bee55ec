import { S3_KEY_BYTES } from '../../core/aws-limits.ts';
import { ServingError } from '../../core/errors.ts';
import { assertModelName, bundleKey, fileKey, signatureKey } from '../keys.ts';
import { type ModelRepository, unlessMissing } from '../model-repository.ts';
import { changeRouting } from '../routing/change-routing.ts';
import type { UploadingStore } from '../stores/object-store.ts';
import { type BundleDocument, type PublishedBundle, parseBundle } from './bundle.ts';
import { claimVersion, removeAbandoned, resumeClaim, sealClaim } from './claims.ts';

/** A local file that becomes the file `path` of a version. */
export interface LocalFile {
  readonly path: string;
  readonly localPath: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A bundle before it has a version. */
export type Draft = Omit<BundleDocument, 'formatVersion' | 'version' | 'files'>;

export interface PublishOptions {
  /** The author, for the history of the routing. */
  readonly by: string;
  /** The reason, for the history. */
  readonly note?: string;
  /** Resumes an unfinished push of the same files, when there is one. */
  readonly resume?: boolean;
  /** Returns the signature of the bytes of `bundle.json`, as base64. */
  readonly sign?: (bundle: Uint8Array) => string;
  /** Receives the number of bytes that are stored so far, of all files together. */
  readonly onProgress?: (sentBytes: number) => void;
}

/** The key of a file starts with `models/<name>/<version>/files/`, up to 124 bytes; the rest is in reserve. */
const LONGEST_PATH_BYTES = S3_KEY_BYTES - 174;

const toBundle = (draft: Draft, version: number, files: readonly LocalFile[]): Buffer => {
  const entries = files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  const bundle: BundleDocument = { formatVersion: 1, ...draft, version, files: entries };
  return Buffer.from(JSON.stringify(bundle, undefined, 2));
};

/** Parses the bundle as functions do, before anything is written. @throws `INVALID_REQUEST`, `MODEL_INVALID` */
export const toCandidate = (draft: Draft, files: readonly LocalFile[]): PublishedBundle => {
  assertModelName(draft.name);
  for (const { path } of files) {
    if (!/\p{Cc}|\\/u.test(path) && Buffer.byteLength(path) <= LONGEST_PATH_BYTES) continue;
    const allowed = `up to ${LONGEST_PATH_BYTES} bytes without backslashes and control characters`;
    const problem = `file name ${JSON.stringify(path.slice(0, 120))} is not allowed: ${allowed}; rename it`;
    throw new ServingError('INVALID_REQUEST', problem);
  }
  return parseBundle(toBundle(draft, 1, files), 'the model');
};

/** Sends the files that are missing. Below a claim, a file of the right size is whole: uploads are checked, and appear at once. */
const uploadFiles = async (
  { store }: ModelRepository<UploadingStore>,
  keyOf: (path: string) => string,
  files: readonly LocalFile[],
  { resume = false, onProgress = () => {} }: PublishOptions,
): Promise<void> => {
  let finishedBytes = 0;
  for (const { path, localPath, sha256, bytes } of files) {
    const key = keyOf(path);
    const isThere = resume && (await unlessMissing(store.head(key)))?.sizeBytes === bytes;
    if (!isThere)
      await store.upload(key, localPath, { sha256, onProgress: (sentBytes) => onProgress(finishedBytes + sentBytes) });
    finishedBytes += bytes;
    onProgress(finishedBytes);
  }
};

/** Creates the bundle. An existing bundle names the same files: this push wrote it and lost the answer, or the push that it resumes did. */
const writeBundle = async (
  { store }: ModelRepository,
  key: string,
  bytes: Buffer,
  isSigned: boolean,
): Promise<void> => {
  try {
    await store.write(key, bytes, { condition: { ifNoneMatch: '*' }, contentType: 'application/json' });
  } catch (error) {
    if (ServingError.from(error).code !== 'CONFLICT') throw error;
    if (isSigned && !bytes.equals((await store.read(key)).body))
      throw new ServingError(
        'CONFLICT',
        `${key} was written meanwhile by the push that is resumed, and the signature does not fit it: push again`,
      );
  }
};

/**
 * Publishes `files` as the next version of `draft.name` and returns its number. The order never shows half a version: claim, files, seal,
 * signature, bundle. The first version of a model answers at once, a later one when it is promoted.
 *
 * @throws `INVALID_REQUEST`, `MODEL_INVALID` before anything is written; `MODEL_UNAVAILABLE`, after which the push may be resumed; `CONFLICT`
 */
export const publish = async (
  repository: ModelRepository<UploadingStore>,
  draft: Draft,
  files: readonly LocalFile[],
  options: PublishOptions,
): Promise<number> => {
  toCandidate(draft, files);
  const { name } = draft;
  const { by, note = '', resume = false, sign } = options;
  const resumed = resume ? await resumeClaim(repository, name, { by, files }) : undefined;
  const claim = resumed ?? (await claimVersion(repository, name, { by, files }));
  const { version } = claim;
  await removeAbandoned(repository, name, version);
  await uploadFiles(repository, (path) => fileKey(name, version, path), files, options);
  await sealClaim(repository, name, claim);
  const bundle = toBundle(draft, version, files);
  if (sign) await repository.store.write(signatureKey(name, version), sign(bundle));
  await writeBundle(repository, bundleKey(name, version), bundle, sign !== undefined);
  await changeRouting(repository, name, { by, action: 'push', note }, (current) =>
    current ? undefined : { stable: version, aliases: {} },
  );
  return version;
};
