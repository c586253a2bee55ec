import * as v from 'valibot';
import { ERROR_KINDS, type ErrorCode, ServingError } from '../../src/core/errors.ts';
import type { Report } from '../command.ts';
import { readBody } from './ask.ts';
import type { Outgoing } from './send.ts';
import type { Target } from './target.ts';

const jobSchema = v.looseObject({
  id: v.string(),
  status: v.string(),
  model: v.string(),
  version: v.number(),
  created: v.string(),
  progress: v.optional(v.object({ done: v.number(), total: v.number() })),
  error: v.optional(v.object({ code: v.string(), message: v.string() })),
  result: v.optional(v.unknown()),
  resultUrl: v.optional(v.string()),
});
/** A job as the endpoint describes it. */
export type RemoteJob = v.InferOutput<typeof jobSchema>;

const parseJob = (text: string): RemoteJob => v.parse(jobSchema, JSON.parse(text));

/** @throws `INVALID_REQUEST` for a directory, where nothing runs a job */
export const assertRunsJobs = ({ buckets, description }: Target): void => {
  if (!buckets) throw new ServingError('INVALID_REQUEST', `the ${description} runs no jobs; npm start and stages do`);
};

const request = async (target: Target, method: Outgoing['method'], path: string): Promise<string> => {
  assertRunsJobs(target);
  return readBody(await target.send(path, { method, headers: {} }));
};

const pathOf = (id: string): string => `/jobs/${encodeURIComponent(id)}`;

/** The job that a request became. */
export const reportJob = async ({ options }: Target, response: Response): Promise<Report> => {
  const job = await readBody(response);
  const { id } = parseJob(job);
  return { json: JSON.parse(job), text: `Job ${id}: npx onnx-serverless jobs wait ${id}${options}` };
};

export const readJob = async (target: Target, id: string): Promise<RemoteJob> =>
  parseJob(await request(target, 'GET', pathOf(id)));

export const cancelJob = async (target: Target, id: string): Promise<RemoteJob> =>
  parseJob(await request(target, 'DELETE', pathOf(id)));

export const listJobs = async (target: Target, limit: string): Promise<readonly RemoteJob[]> => {
  const text = await request(target, 'GET', `/jobs?limit=${encodeURIComponent(limit)}`);
  return v.parse(v.object({ jobs: v.array(jobSchema) }), JSON.parse(text)).jobs;
};

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_KINDS, code);

/** The error of a job that has ended without an answer; undefined for any other job. */
export const failureOf = ({ id, status, error }: RemoteJob): ServingError | undefined => {
  if (status === 'cancelled') return new ServingError('CONFLICT', `job ${id} was cancelled`);
  if (status !== 'failed') return undefined;
  const code = error && isErrorCode(error.code) ? error.code : 'INTERNAL';
  return new ServingError(code, `job ${id} has failed: ${error?.message}`);
};
