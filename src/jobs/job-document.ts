import { hash } from 'node:crypto';
import * as v from 'valibot';
import { ERROR_KINDS, type ErrorCode, ServingError } from '../core/errors.ts';
import { messageOf } from '../core/message-of.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import type { ObjectStore, StoredObject } from '../repository/stores/object-store.ts';

/** S3 announces each object below it: a job is queued as soon as its request is written. */
export const JOB_REQUESTS_PREFIX = 'jobs/requests/';
/** S3 announces each object below it, too, to the function that delivers webhooks. */
export const JOB_EVENTS_PREFIX = 'jobs/events/';

const requestKey = (id: string): string => `${JOB_REQUESTS_PREFIX}${id}.json`;
const stateKey = (id: string): string => `jobs/states/${id}.json`;
export const inputKey = (id: string, sha256: string): string => `jobs/inputs/${id}/${sha256}`;
export const partKey = (id: string, part: string): string => `jobs/parts/${id}/${part}.json`;
export const resultKey = (id: string, attempt: number): string => `jobs/results/${id}/${attempt}`;
export const eventKey = (id: string, event: string): string => `${JOB_EVENTS_PREFIX}${id}/${event}.json`;
export const deliveryKey = (id: string, event: string): string => `jobs/deliveries/${id}/${event}.json`;
export const ownerPrefix = (owner: string): string => `jobs/owners/${hash('sha256', owner).slice(0, 32)}/`;

const JOB_ID = /^[0-9a-f]{32}$/;
export const isJobId = (text: string): boolean => JOB_ID.test(text);
/** The id in the key of a request; undefined for another key. */
export const jobIdOf = (key: string): string | undefined => {
  const id = key.slice(JOB_REQUESTS_PREFIX.length).replace(/\.json$/, '');
  return key === requestKey(id) && isJobId(id) ? id : undefined;
};

export const STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof STATUSES)[number];

const time = v.pipe(v.string(), v.isoTimestamp());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const webhook = v.object({ url: v.string(), events: v.array(v.picklist(STATUSES)) });

const requestSchema = v.object({
  id: v.string(),
  /** Empty for a caller who was not identified. */
  owner: v.string(),
  model: v.string(),
  version: v.number(),
  created: time,
  /** The sha256 of the request: another request with the same idempotency key has another one. */
  fingerprint: v.string(),
  input: v.object({ key: v.string(), contentType: v.optional(v.string()), query: v.string() }),
  webhook: v.optional(webhook),
});
/** The part of a job that never changes. */
export type JobRequest = v.InferOutput<typeof requestSchema>;
export type JobWebhook = v.InferOutput<typeof webhook>;

const errorCode = v.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(ERROR_KINDS, code));
const stateSchema = v.object({
  status: v.picklist(STATUSES),
  /** Runs that were begun. */
  attempt: count,
  /** Names one write, so that its writer knows it again after an answer that was lost. */
  revision: v.string(),
  /** Milliseconds since 1970 up to which the job belongs to the process that runs it. */
  leaseUntilMs: v.number(),
  /** Names of the parts of the answer, in their order. */
  parts: v.array(v.string()),
  done: count,
  /** Elements of the input; undefined before it is known. */
  total: v.optional(count),
  started: v.optional(time),
  ended: v.optional(time),
  error: v.optional(v.object({ code: errorCode, message: v.string() })),
  result: v.optional(
    v.object({ key: v.string(), contentType: v.string(), sizeBytes: count, truncatedInputs: v.array(v.number()) }),
  ),
});
/** The part of a job that changes. */
export type JobState = v.InferOutput<typeof stateSchema>;
export type JobResult = NonNullable<JobState['result']>;

export interface Job {
  readonly request: JobRequest;
  readonly state: JobState;
  /** The etag of the state; undefined while there is none. */
  readonly etag: string | undefined;
}

/** Bytes of a request or a state. A state names each part of an answer. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

const QUEUED: JobState = { status: 'queued', attempt: 0, revision: '', leaseUntilMs: 0, parts: [], done: 0 };

export const hasEnded = ({ status }: JobState): boolean => status !== 'queued' && status !== 'running';

/** @throws `INTERNAL` for an object that is none of this project */
const parse = <Output>(schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>, object: StoredObject): Output => {
  try {
    return v.parse(schema, JSON.parse(Buffer.from(object.body).toString('utf8')));
  } catch (cause) {
    throw new ServingError('INTERNAL', `${object.key} cannot be read: ${messageOf(cause)}`, { cause });
  }
};

/** The request of a job; undefined when there is none. @throws `MODEL_UNAVAILABLE` */
export const readRequest = async (data: ObjectStore, id: string): Promise<JobRequest | undefined> => {
  const object = await unlessMissing(data.read(requestKey(id), MAX_DOCUMENT_BYTES));
  return object && parse(requestSchema, object);
};

/** The state of a job: queued while nobody has written one. @throws `MODEL_UNAVAILABLE` */
export const readState = async (data: ObjectStore, id: string): Promise<Pick<Job, 'state' | 'etag'>> => {
  const object = await unlessMissing(data.read(stateKey(id), MAX_DOCUMENT_BYTES));
  return { state: object ? parse(stateSchema, object) : QUEUED, etag: object?.etag };
};

/** Two reads, however many jobs there are. Undefined when there is no such job. @throws `MODEL_UNAVAILABLE` */
export const readJob = async (data: ObjectStore, id: string): Promise<Job | undefined> => {
  const [request, state] = await Promise.all([readRequest(data, id), readState(data, id)]);
  return request && { request, ...state };
};

/** @throws `CONFLICT` when there is a request of this id */
export const writeRequest = (data: ObjectStore, request: JobRequest): Promise<string> =>
  data.write(requestKey(request.id), JSON.stringify(request), {
    condition: { ifNoneMatch: '*' },
    contentType: 'application/json',
  });

/** Replaces the state with `etag`, and returns the new etag. @throws `CONFLICT` when somebody else has written since */
export const writeState = (data: ObjectStore, id: string, state: JobState, etag: string | undefined): Promise<string> =>
  data.write(stateKey(id), JSON.stringify(state), {
    condition: etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag },
    contentType: 'application/json',
  });
