import { hash } from 'node:crypto';
import { isAllowed } from '../access/scope.ts';
import { ServingError } from '../core/errors.ts';
import { shorten, show } from '../core/show.ts';
import { cancelJob } from '../jobs/cancel-job.ts';
import { describeJob, describeWebhook, isInline, jobPath, readAnswer, URL_SECONDS } from '../jobs/describe-job.ts';
import { hasEnded, isJobId, type Job, readJob } from '../jobs/job-document.ts';
import { listJobs } from '../jobs/submit-job.ts';
import type { Serving } from '../serving/serving.ts';
import { isKnown } from './entity-tag.ts';
import { type HttpResponse, jsonResponse } from './message.ts';
import type { Exchange } from './route.ts';

const DEFAULT_LIMIT = 20;
const MOST_JOBS = 100;
const RETRY_AFTER = { 'retry-after': '1' }; // seconds

/** The owner of what the caller makes: empty for a caller who was not identified. */
export const ownerOf = ({ context: { identity } }: Exchange): string => identity?.holder ?? '';

/** A job of the caller, or of anybody for a caller with the scope `jobs`. @throws `NOT_FOUND` for that of a stranger, too */
const findJob = async ({ data }: Serving, exchange: Exchange, id: string): Promise<Job> => {
  const job = isJobId(id) ? await readJob(data, id) : undefined;
  const { identity } = exchange.context;
  const mayUse =
    job !== undefined &&
    (job.request.owner === ownerOf(exchange) || isAllowed(identity?.scopes ?? [], 'jobs', job.request.model));
  if (!mayUse) throw new ServingError('NOT_FOUND', `there is no job ${shorten(id)}`);
  return job;
};

/** The headers that tell where a job is, and when to look again. */
export const jobHeaders = ({ request, state }: Job): Record<string, string> => ({
  location: jobPath(request.id),
  ...(!hasEnded(state) && RETRY_AFTER),
});

/**
 * The entity tag of a description without its answer, which never changes. The URL of an answer does: a cache that keeps a description
 * gets a new one when half of the time of its URL is over.
 */
export const entityTag = (described: string, { state: { result } }: Job, nowMs: number): string => {
  const turn = result && !isInline(result) ? Math.floor((2 * nowMs) / (URL_SECONDS * 1000)) : '';
  return `"${hash('sha256', `${described}${turn}`).slice(0, 32)}"`;
};

const withAnswer = async ({ data }: Serving, job: Job, described: string): Promise<string> => {
  const answer = await readAnswer(data, job);
  if (answer === undefined) return described;
  const result =
    'json' in answer
      ? `"result":${answer.json}`
      : `"resultUrl":${JSON.stringify(answer.url)},"resultContentType":${JSON.stringify(answer.contentType)}`;
  return `${described.slice(0, -1)},${result}}`;
};

export const getJob = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { parameters, request } = exchange;
  const job = await findJob(serving, exchange, parameters.id ?? '');
  const webhook = await describeWebhook(serving.data, job);
  const described = JSON.stringify({ ...describeJob(job), ...(webhook && { webhook }) });
  const etag = entityTag(described, job, Date.now());
  const headers = { ...jobHeaders(job), etag, 'cache-control': 'private, no-cache' };
  if (isKnown(request.headers['if-none-match'], etag)) return { status: 304, headers, body: '' };
  return jsonResponse(await withAnswer(serving, job, described), { headers });
};

export const deleteJob = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const job = await findJob(serving, exchange, exchange.parameters.id ?? '');
  const cancelled = await cancelJob(serving.data, job);
  return jsonResponse(JSON.stringify(describeJob(cancelled)), { headers: jobHeaders(cancelled) });
};

const readLimit = (text: string | null): number => {
  if (text === null) return DEFAULT_LIMIT;
  if (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= MOST_JOBS) return Number(text);
  throw new ServingError('INVALID_REQUEST', `"limit" is ${show(text)}, expected a number from 1 to ${MOST_JOBS}`);
};

/** An endpoint that lets everybody in and identifies nobody would show each caller the jobs of all others. @throws `FORBIDDEN` */
const assertKnownCaller = ({ context: { identity, isOpen } }: Exchange): void => {
  if (identity === undefined && isOpen)
    throw new ServingError(
      'FORBIDDEN',
      'this endpoint does not tell callers apart; ask for a job by its id: GET /jobs/{id}',
    );
};

export const listOwnJobs = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  assertKnownCaller(exchange);
  const query = new URLSearchParams(exchange.request.query);
  const limit = readLimit(query.get('limit'));
  const last = query.get('before');
  const before = last === null ? undefined : await findJob(serving, exchange, last);
  const jobs = await listJobs(serving.data, ownerOf(exchange), { limit, before });
  return jsonResponse(JSON.stringify({ jobs: jobs.map(describeJob) }));
};
