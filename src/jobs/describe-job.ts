import type { ObjectStore } from '../repository/stores/object-store.ts';
import { hasEnded, type Job, type JobResult, type JobStatus } from './job-document.ts';
import { type DeliveryReport, readDeliveries } from './webhooks/delivery.ts';
import { announceEvent } from './webhooks/webhook.ts';

/** JSON of more bytes is not part of the description of its job. */
const MAX_INLINE_BYTES = 1024 * 1024;
/** The time for which a URL of an answer reads it. */
export const URL_SECONDS = 3_600;

/** A job as its owner sees it. */
export interface JobDescription {
  readonly id: string;
  readonly status: JobStatus;
  readonly model: string;
  readonly version: number;
  readonly created: string;
  readonly started?: string;
  readonly ended?: string;
  /** Elements of the input that are answered, of all. */
  readonly progress?: { readonly done: number; readonly total: number };
  /** Runs that were begun. */
  readonly attempts: number;
  readonly truncatedInputs?: readonly number[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly urls: { readonly get: string; readonly cancel: string };
}

export const jobPath = (id: string): string => `/jobs/${id}`;

/** Reads nothing. */
export const describeJob = ({ request: { id, model, version, created }, state }: Job): JobDescription => {
  const { status, started, ended, total, done, attempt, error, result } = state;
  return {
    ...{ id, status, model, version, created },
    ...(started !== undefined && { started }),
    ...(ended !== undefined && { ended }),
    ...(total !== undefined && { progress: { done, total } }),
    attempts: attempt,
    ...(result && result.truncatedInputs.length > 0 && { truncatedInputs: result.truncatedInputs }),
    ...(error && { error }),
    urls: { get: jobPath(id), cancel: jobPath(id) },
  };
};

/** The answer of a job that has succeeded: JSON text, or a URL that reads it for an hour. */
export type JobAnswer = { readonly json: string } | { readonly url: string; readonly contentType: string };

/** Tells whether the answer is part of the description of its job. */
export const isInline = ({ contentType, sizeBytes }: JobResult): boolean =>
  contentType === 'application/json' && sizeBytes <= MAX_INLINE_BYTES;

/** @throws `NOT_FOUND` once the answer has been deleted; `MODEL_UNAVAILABLE` */
export const readAnswer = async (data: ObjectStore, { state: { result } }: Job): Promise<JobAnswer | undefined> => {
  if (result === undefined) return undefined;
  const { key, contentType } = result;
  if (!isInline(result) && data.presign) return { url: await data.presign(key, URL_SECONDS), contentType };
  const { body } = await data.read(key);
  if (contentType === 'application/json') return { json: Buffer.from(body).toString() };
  return { url: `data:${contentType};base64,${Buffer.from(body).toString('base64')}`, contentType };
};

/** The deliveries to the webhook of a job; undefined without a webhook. */
export const describeWebhook = async (
  data: ObjectStore,
  { request: { id, webhook } }: Job,
): Promise<{ readonly url: string; readonly deliveries: readonly DeliveryReport[] } | undefined> =>
  webhook && { url: webhook.url, deliveries: await readDeliveries(data, id, webhook.events) };

/** Tells the webhook of a job of its status, if it wants to hear of it. @throws `MODEL_UNAVAILABLE` */
export const announceStatus = async (data: ObjectStore, job: Job): Promise<void> => {
  const { request, state } = job;
  const { id, owner, webhook } = request;
  if (!webhook?.events.includes(state.status)) return;
  const timestamp = (hasEnded(state) ? state.ended : state.started) ?? request.created;
  const body = JSON.stringify({ type: `job.${state.status}`, timestamp, data: describeJob(job) });
  await announceEvent(data, { id, owner, url: webhook.url, event: state.status, body });
};
