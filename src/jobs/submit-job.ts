import { hash, randomBytes } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import {
  inputKey,
  type Job,
  type JobRequest,
  type JobWebhook,
  ownerPrefix,
  readJob,
  readRequest,
  writeRequest,
} from './job-document.ts';

/** A request that is to be answered later. */
export interface Submission {
  /** Empty for a caller who was not identified. */
  readonly owner: string;
  readonly idempotencyKey: string | undefined;
  /** The path of the request, which names the model. */
  readonly path: string;
  /** The version that answers, whatever is promoted until then. */
  readonly bundle: { readonly name: string; readonly version: number };
  readonly body: Uint8Array | string;
  readonly contentType: string | undefined;
  readonly query: string;
  readonly webhook: JobWebhook | undefined;
}

const ID_BYTES = 16;
const ID_CHARACTERS = 2 * ID_BYTES;

/** An idempotency key of an owner has one id, so that the second write of its request finds the first. */
const idOf = ({ owner, idempotencyKey }: Submission): string =>
  idempotencyKey === undefined
    ? randomBytes(ID_BYTES).toString('hex')
    : hash('sha256', JSON.stringify([owner, idempotencyKey])).slice(0, ID_CHARACTERS);

const LAST_MS = 2 ** 48 - 1;
const MS_CHARACTERS = 12;

/** Keys of an owner's jobs sort from the newest to the oldest. */
const ownedKey = ({ owner, created, id }: JobRequest): string =>
  `${ownerPrefix(owner)}${(LAST_MS - Date.parse(created)).toString(16).padStart(MS_CHARACTERS, '0')}-${id}`;

const assertSame = (known: JobRequest, fingerprint: string): void => {
  if (known.fingerprint !== fingerprint)
    throw new ServingError(
      'INVALID_INPUT',
      `the idempotency key was used for another request, of ${known.created}; send a new key with a new request`,
    );
};

/**
 * Makes a job. Its request is written last, and S3 announces it to the queue: a job that exists is queued.
 * @throws `INVALID_INPUT` for an idempotency key of another request; `MODEL_UNAVAILABLE`
 */
export const submitJob = async (data: ObjectStore, submission: Submission): Promise<Job> => {
  const { owner, path, bundle, body, contentType, query, webhook } = submission;
  const id = idOf(submission);
  const sha256 = hash('sha256', body);
  const fingerprint = hash('sha256', JSON.stringify([path, contentType, query, sha256]));
  const key = inputKey(id, sha256);
  const request: JobRequest = {
    ...{ id, owner, model: bundle.name, version: bundle.version, created: new Date().toISOString(), fingerprint },
    input: { key, query, ...(contentType !== undefined && { contentType }) },
    ...(webhook && { webhook }),
  };
  const known = submission.idempotencyKey === undefined ? undefined : await readRequest(data, id);
  if (known === undefined) {
    await Promise.all([data.write(key, body), data.write(ownedKey(request), '')]);
    await writeRequest(data, request).catch((error: unknown) => {
      if (ServingError.from(error).code !== 'CONFLICT') throw error;
    });
  }
  const job = await readJob(data, id);
  if (job === undefined) throw new ServingError('MODEL_UNAVAILABLE', `job ${id} was written and cannot be read`);
  assertSame(job.request, fingerprint);
  return job;
};

/** An owner's jobs, the newest first. @throws `MODEL_UNAVAILABLE` */
export const listJobs = async (
  data: ObjectStore,
  owner: string,
  { limit, before }: { readonly limit: number; readonly before?: Job | undefined },
): Promise<Job[]> => {
  const ids = new Set<string>();
  for await (const { key } of data.list(ownerPrefix(owner), before && ownedKey(before.request))) {
    ids.add(key.slice(key.lastIndexOf('-') + 1));
    if (ids.size === limit) break;
  }
  const jobs = await Promise.all([...ids].map((id) => readJob(data, id)));
  return jobs.filter((job) => job !== undefined);
};
