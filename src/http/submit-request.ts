import { setTimeout as sleep } from 'node:timers/promises';
import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { describeJob, readAnswer } from '../jobs/describe-job.ts';
import { hasEnded, type Job, readState } from '../jobs/job-document.ts';
import { assertDecodes } from '../jobs/job-input.ts';
import { submitJob } from '../jobs/submit-job.ts';
import { readWebhook, type TrustedHosts } from '../jobs/webhooks/webhook.ts';
import type { TaskRequest } from '../protocol/task-api/request.ts';
import { assertReachable } from '../serving/inputs.ts';
import type { Serving } from '../serving/serving.ts';
import { jobHeaders, ownerOf } from './job-handlers.ts';
import { type HttpResponse, jsonResponse } from './message.ts';
import { formatApplied, type Preference } from './prefer.ts';
import { type Exchange, modelReference, routingKey } from './route.ts';

/** Room to answer before the deadline of the request. */
const MARGIN_MS = 2_000;
const POLL_MS = 250;

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

/** @throws `INVALID_REQUEST` */
const readIdempotencyKey = (key: string | undefined): string | undefined => {
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key;
  throw new ServingError('INVALID_REQUEST', `idempotency-key is ${show(key)}, expected 1 to 255 characters of ASCII`);
};

/** @throws `FORBIDDEN`, `NOT_FOUND` */
const assertReferenceThere = async (serving: Serving, request: TaskRequest, exchange: Exchange): Promise<void> => {
  if (!('reference' in request)) return;
  const { name } = modelReference(exchange);
  await assertReachable(request.reference, name, serving, exchange.assertAllowed);
  await serving.data.head(request.reference.s3);
};

/** The job as soon as it has ended, or as it is when the time is over. */
const waitForEnd = async ({ data }: Serving, job: Job, exchange: Exchange, waitSeconds: number): Promise<Job> => {
  const endMs = Date.now() + Math.min(waitSeconds * 1000, exchange.context.deadline.remainingMs() - MARGIN_MS);
  let current = job;
  while (!hasEnded(current.state) && Date.now() < endMs) {
    await sleep(Math.min(POLL_MS, Math.max(0, endMs - Date.now())));
    current = { ...current, ...(await readState(data, job.request.id)) };
  }
  return current;
};

/** The answer that the request would have got at once; undefined when it is not there, or too large for a response. */
const toAnswer = async ({ data }: Serving, job: Job): Promise<HttpResponse | undefined> => {
  const { error, result } = job.state;
  if (job.state.status === 'failed' && error) throw new ServingError(error.code, error.message);
  const answer = await readAnswer(data, job);
  if (answer === undefined || !('json' in answer)) return undefined;
  const truncated = result?.truncatedInputs ?? [];
  const headers = {
    'x-model-version': String(job.request.version),
    ...(truncated.length > 0 && { 'x-truncated-inputs': truncated.join(', ') }),
  };
  return jsonResponse(answer.json, { headers });
};

/** A request that was read, and its caller's wish. */
export interface DeferredRequest {
  readonly body: Uint8Array | string;
  readonly taskRequest: TaskRequest;
  readonly preference: Preference;
}

/**
 * Makes a job of a request, after everything was refused that can be refused at once. With `wait`, the answer itself comes if it is there in time.
 * @throws errors of the request, as its answer would have had them; `INVALID_INPUT` for an idempotency key of another request
 */
export const submitRequest = async (
  serving: Serving,
  trusted: TrustedHosts,
  exchange: Exchange,
  { body, taskRequest, preference }: DeferredRequest,
): Promise<HttpResponse> => {
  const { request, context, observation } = exchange;
  if (taskRequest.output)
    throw new ServingError('INVALID_REQUEST', 'a job keeps its answer, of any size; leave out "output"');
  const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key']);
  const webhook = readWebhook(taskRequest.parameters, trusted);
  const bundle = await serving.router.route(modelReference(exchange), routingKey(exchange), context.deadline);
  observation.model = bundle.name;
  observation.version = bundle.version;
  await assertReferenceThere(serving, taskRequest, exchange);
  await assertDecodes(bundle, taskRequest);
  const submitted = await submitJob(serving.data, {
    ...{ owner: ownerOf(exchange), idempotencyKey, path: request.path, bundle, body, webhook },
    ...{ contentType: request.headers['content-type'], query: request.query },
  });
  const { waitSeconds = 0 } = preference;
  const job = await waitForEnd(serving, submitted, exchange, waitSeconds);
  const answer = waitSeconds > 0 ? await toAnswer(serving, job) : undefined;
  const response = answer ?? jsonResponse(JSON.stringify(describeJob(job)), { status: 202 });
  return { ...response, headers: { ...response.headers, ...jobHeaders(job), ...formatApplied(preference) } };
};
