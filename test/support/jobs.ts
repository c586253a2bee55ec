import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Identity } from '../../src/access/scope.ts';
import { type Deadline, deadlineAt, NEVER } from '../../src/core/deadline.ts';
import type { Tensors } from '../../src/core/tensor.ts';
import type { Session } from '../../src/engine/session.ts';
import { createApplication } from '../../src/http/application.ts';
import { toFetch } from '../../src/http/fetch.ts';
import type { JobSettings } from '../../src/http/task-routes.ts';
import { onJobHandler } from '../../src/lambda/on-job.ts';
import type { Serving } from '../../src/serving/serving.ts';
import { createRecordedQueue } from './message-queue.ts';

/** A job as the application describes it. */
export interface DescribedJob {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly version: number;
  readonly attempts: number;
  readonly progress?: { readonly done: number; readonly total: number };
  readonly error?: { readonly code: string; readonly message: string };
  readonly result?: unknown;
  readonly resultUrl?: string;
  readonly truncatedInputs?: readonly number[];
}

export interface JobRequestOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly holder?: string;
  readonly scopes?: readonly string[];
  readonly isOpen?: boolean;
  readonly settings?: Partial<JobSettings>;
  readonly deadline?: Deadline;
}

/** Sends a request to an application whose requests may become jobs. */
export const sendJobRequest = (serving: Serving, path: string, options: JobRequestOptions = {}): Promise<Response> => {
  const { method = 'GET', headers = {}, body, holder = 'alice', scopes = [], isOpen = false, settings } = options;
  const { deadline = deadlineAt(Date.now() + 60_000) } = options;
  const jobs = { bodyBytes: 0, models: [], webhookHosts: [], ...settings };
  const identity: Identity | undefined = isOpen ? undefined : { holder, scopes };
  const application = toFetch(createApplication(serving, { jobs }));
  const init = { method, headers, ...(body !== undefined && { body }) };
  return application(new Request(`http://test${path}`, init), { requestId: 'request', deadline, identity, isOpen });
};

/** Makes a job of a request in JSON. */
export const makeJob = async (
  serving: Serving,
  model: string,
  request: unknown,
  options: JobRequestOptions = {},
): Promise<DescribedJob> => {
  const headers = { 'content-type': 'application/json', prefer: 'respond-async', ...options.headers };
  const sent = { ...options, method: 'POST', headers, body: JSON.stringify(request) };
  const response = await sendJobRequest(serving, `/models/${model}`, sent);
  return (await response.json()) as DescribedJob;
};

export const readDescribed = async (
  serving: Serving,
  id: string,
  options: JobRequestOptions = {},
): Promise<DescribedJob> => (await (await sendJobRequest(serving, `/jobs/${id}`, options)).json()) as DescribedJob;

/** The message with which S3 announces an object. */
export const announcementOf = (bucket: string, key: string): string =>
  JSON.stringify({
    Records: [
      {
        eventName: 'ObjectCreated:Put',
        s3: { bucket: { name: bucket }, object: { key, size: 1, eTag: 'etag', sequencer: '01' } },
      },
    ],
  });

/** Delivers the messages of jobs to their function. Returns its answer, and the seconds after which messages come again. */
export const deliverJobs = async (
  serving: Serving,
  ids: readonly string[],
  remainingMs = 900_000,
): Promise<{ readonly response: SQSBatchResponse; readonly pauses: readonly number[] }> => {
  const queue = createRecordedQueue();
  const Records = ids.map((id) => ({ messageId: id, body: announcementOf('data', `jobs/requests/${id}.json`) }));
  const context = { awsRequestId: 'invocation', getRemainingTimeInMillis: () => remainingMs } as Context;
  const handler = onJobHandler(serving, { bucket: 'data', queue });
  const response = await handler({ Records } as unknown as SQSEvent, context);
  const again = response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  const pauses = again.map((id) => Number(queue.changes.findLast(([messageId]) => messageId === id)?.[1]));
  return { response, pauses };
};

type Run = Session['run'];

/** Lets a test see, or disturb, the runs of a model. */
export const aroundRun = async (serving: Serving, name: string, around: (run: Run) => Run): Promise<void> => {
  await serving.models.use(await serving.router.route({ name }), NEVER, async (model) => {
    const session = model.graphs.model as { run: Run };
    session.run = around(session.run);
  });
};

/** Counts the rows of each run. */
export const countRows = async (serving: Serving, name: string): Promise<number[]> => {
  const rows: number[] = [];
  await aroundRun(serving, name, (run) => (feeds: Tensors, outputNames) => {
    rows.push(Object.values(feeds)[0]?.shape[0] ?? 0);
    return run(feeds, outputNames);
  });
  return rows;
};
