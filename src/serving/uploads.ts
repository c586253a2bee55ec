import type { Deadline } from '../core/deadline.ts';
import { ERROR_KINDS, ServingError } from '../core/errors.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { Payload } from '../tasks/task.ts';
import { MAX_INPUT_BYTES, parseObject } from './inputs.ts';
import { predict, type Serving } from './serving.ts';
import type { Observation } from './telemetry.ts';
import {
  isAnswered,
  isOlder,
  type ResultBody,
  readResult,
  sameEtag,
  type Upload,
  writeResult,
} from './upload-results.ts';

/** How an upload ended; `retry` means that it may succeed later. */
export type UploadOutcome =
  | { readonly status: 'done' | 'skipped' }
  | { readonly status: 'retry'; readonly error: ServingError };

const SKIPPED: UploadOutcome = { status: 'skipped' };

const retry = (error: unknown): UploadOutcome => ({ status: 'retry', error: ServingError.from(error) });

/** The model that `uploads/<model>/<path>` names. @throws `INVALID_REQUEST` */
const modelOf = ({ key }: Upload): string => {
  const [, model, ...path] = key.split('/');
  if (model && path.length > 0) return model;
  throw new ServingError('INVALID_REQUEST', `${key} names no model, expected uploads/<model>/<path>`);
};

const readUpload = async ({ data }: Serving, upload: Upload): Promise<Payload> => {
  const { body, etag } = await data.read(upload.key, MAX_INPUT_BYTES);
  if (!sameEtag(etag, upload.etag))
    throw new ServingError('CONFLICT', `${upload.key} was replaced, its own event follows`);
  return parseObject(upload.key, body);
};

/** Writes down what can only fail again, and leaves the rest to another delivery. */
const conclude = async (serving: Serving, upload: Upload, body: ResultBody): Promise<UploadOutcome> => {
  try {
    if ('error' in body.outcome) {
      const { error } = body.outcome;
      if (error.code === 'CONFLICT') return SKIPPED;
      if (!ERROR_KINDS[error.code].permanent) return retry(error);
    }
    await writeResult(serving.data, upload, body);
    return { status: 'done' };
  } catch (error) {
    return retry(error);
  }
};

const roundTimings = (stagesMs: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(stagesMs).map(([stage, ms]) => [stage, Math.round(ms * 1000) / 1000]));

interface Batch {
  readonly uploads: readonly Upload[];
  readonly deadline: Deadline;
  readonly observation: Observation;
}

/** Runs the uploads of one model that have no answer yet, together. */
const processModel = async (serving: Serving, name: string, { uploads, deadline, observation }: Batch) => {
  const outcomes = new Map<Upload, UploadOutcome>();
  const { version } = await serving.router.route({ name });
  observation.version = version;
  const results = await Promise.allSettled(uploads.map((upload) => readResult(serving.data, upload)));
  const open = uploads.filter((upload, index) => {
    const result = results[index];
    if (result?.status === 'rejected') outcomes.set(upload, retry(result.reason));
    else if (isAnswered(result?.value?.known, upload, version)) outcomes.set(upload, SKIPPED);
    return !outcomes.has(upload);
  });
  if (open.length === 0) return outcomes;

  const prediction = await predict(serving, {
    reference: { name, version },
    as: 'task',
    payloads: open.map((upload) => () => readUpload(serving, upload)),
    deadline,
    observation,
  });
  const shared = {
    model: name,
    version,
    batchSize: open.length,
    timingsMs: roundTimings(observation.stopwatch.stagesMs),
  };
  const concluded = prediction.outcomes.map((outcome, index) => {
    const error = outcome.status === 'rejected' ? ServingError.from(outcome.reason) : undefined;
    if (error && error.code !== 'CONFLICT') observation.failures.push(error);
    const result = outcome.status === 'fulfilled' ? { result: outcome.value } : { error: error as ServingError };
    return conclude(serving, open[index] as Upload, { ...shared, outcome: result });
  });
  (await Promise.all(concluded)).forEach((outcome, index) => {
    outcomes.set(open[index] as Upload, outcome);
  });
  return outcomes;
};

/** Only the newest event of a key counts: the object that the others announced is gone. */
const newestPerKey = (uploads: readonly Upload[]): Upload[] => {
  const newest = new Map<string, Upload>();
  for (const upload of uploads) {
    const known = newest.get(upload.key);
    if (known === undefined || isOlder(known.sequencer, upload.sequencer)) newest.set(upload.key, upload);
  }
  return [...newest.values()];
};

/** Answers uploads, each with a document below `results/`; those of one model run together. One outcome per upload, in order. */
export const processUploads = async (
  serving: Serving,
  uploads: readonly Upload[],
  deadline: Deadline,
  requestId: string,
): Promise<UploadOutcome[]> => {
  const outcomes = new Map<Upload, UploadOutcome>();

  const failAll = async (members: readonly Upload[], cause: unknown, model?: string): Promise<void> => {
    const error = ServingError.from(cause);
    const body: ResultBody = { ...(model && { model }), outcome: { error }, batchSize: members.length, timingsMs: {} };
    for (const upload of members) outcomes.set(upload, await conclude(serving, upload, body));
  };

  const byModel = new Map<string, Upload[]>();
  for (const upload of newestPerKey(uploads)) {
    try {
      const model = modelOf(upload);
      byModel.set(model, [...(byModel.get(model) ?? []), upload]);
    } catch (error) {
      await failAll([upload], error);
    }
  }
  for (const [model, members] of byModel) {
    const observation: Observation = {
      requestId,
      operation: 'upload',
      stopwatch: startStopwatch(),
      model,
      batchSize: members.length,
      failures: [],
    };
    try {
      for (const [upload, outcome] of await processModel(serving, model, { uploads: members, deadline, observation }))
        outcomes.set(upload, outcome);
    } catch (error) {
      observation.failures.push(ServingError.from(error));
      await failAll(members, error, model);
    } finally {
      serving.telemetry.observed(observation);
    }
  }
  return uploads.map((upload) => outcomes.get(upload) ?? SKIPPED);
};
