import type { Answer } from '../core/answer.ts';
import type { Deadline } from '../core/deadline.ts';
import { ERROR_KINDS, ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { MAX_INPUT_BYTES, parseObject } from '../serving/inputs.ts';
import { predict } from '../serving/predict.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation, Stage } from '../serving/telemetry.ts';
import {
  type FoundResult,
  hasResultKey,
  isAnswered,
  isOlder,
  type ResultBody,
  readResult,
  sameEtag,
  type Upload,
  writeResult,
} from './results.ts';

/** How an upload ended; `retry` means that it may succeed later. */
export type UploadOutcome =
  | { readonly status: 'done' | 'skipped' }
  | { readonly status: 'retry'; readonly error: ServingError };

const SKIPPED: UploadOutcome = { status: 'skipped' };

const retry = (error: unknown): UploadOutcome => ({ status: 'retry', error: ServingError.from(error) });

/** The model that `uploads/<model>/<path>` names. @throws `INVALID_REQUEST` */
const modelOf = (upload: Upload): string => {
  const { key } = upload;
  const [, model, ...path] = key.split('/');
  if (!hasResultKey(upload))
    throw new ServingError('INVALID_REQUEST', `${key} is too long: its result cannot be named; shorten it by 13 bytes`);
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
const conclude = async (
  serving: Serving,
  upload: Upload,
  body: ResultBody,
  found?: { readonly result: FoundResult },
): Promise<UploadOutcome> => {
  try {
    if ('error' in body.outcome) {
      const { error } = body.outcome;
      if (error.code === 'CONFLICT') return SKIPPED;
      if (!ERROR_KINDS[error.code].permanent) return retry(error);
    }
    if (hasResultKey(upload)) await writeResult(serving.data, upload, body, found);
    return { status: 'done' };
  } catch (error) {
    return retry(error);
  }
};

const roundTimings = (stagesMs: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(stagesMs).map(([stage, ms]) => [stage, Math.round(ms * 1000) / 1000]));

/** Uploads that one version of a model answers, together. */
interface Batch {
  readonly model: string;
  readonly bundle: PublishedBundle;
  readonly uploads: Upload[];
}

/** What decides over a canary and a shadow: the same for each delivery of an upload. */
const routingKeyOf = ({ key, etag }: Upload): string => `${key} ${etag}`;

const resultOf = (outcome: PromiseSettledResult<Answer>): ResultBody['outcome'] =>
  outcome.status === 'fulfilled' ? { result: outcome.value } : { error: ServingError.from(outcome.reason) };

/** Answers the uploads of `batch` that have no answer yet. */
const processBatch = async (
  serving: Serving,
  { model, bundle, uploads }: Batch,
  deadline: Deadline,
  observation: Observation,
): Promise<Map<Upload, UploadOutcome>> => {
  const { version } = bundle;
  const outcomes = new Map<Upload, UploadOutcome>();
  const results = await Promise.allSettled(uploads.map((upload) => readResult(serving.data, upload)));
  const found = new Map<Upload, FoundResult>();
  const open = uploads.filter((upload, index) => {
    const result = results[index];
    if (result?.status === 'rejected') outcomes.set(upload, retry(result.reason));
    else if (isAnswered(result?.value?.known, upload, version)) outcomes.set(upload, SKIPPED);
    else found.set(upload, result?.value);
    return !outcomes.has(upload);
  });
  observation.skipped = [...outcomes.values()].filter(({ status }) => status === 'skipped').length;
  const [first] = open;
  if (first === undefined) {
    observation.batchSize = 0;
    return outcomes;
  }

  const prediction = await predict(serving, {
    reference: { name: model },
    key: routingKeyOf(first),
    routed: bundle,
    as: 'task',
    payloads: open.map((upload) => () => readUpload(serving, upload)),
    deadline,
    observation,
  });
  const timingsMs = roundTimings(observation.stopwatch.stagesMs);
  const concluded = prediction.outcomes.map((outcome, index) => {
    const result = resultOf(outcome);
    if ('error' in result && result.error.code !== 'CONFLICT') observation.failures.push(result.error);
    const upload = open[index] as Upload;
    const body = { model, version, batchSize: open.length, timingsMs, outcome: result };
    return conclude(serving, upload, body, { result: found.get(upload) });
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

/** Answers uploads, each with a document below `results/`; those of one version run together. One outcome per upload, in order. */
export const processUploads = async (
  serving: Serving,
  uploads: readonly Upload[],
  deadline: Deadline,
  requestId: string,
): Promise<UploadOutcome[]> => {
  const outcomes = new Map<Upload, UploadOutcome>();
  const batches = new Map<string, Batch>();

  /** Whatever sends an upload back to its queue is told to telemetry. */
  const settle = ({ failures }: Observation, upload: Upload, outcome: UploadOutcome): void => {
    outcomes.set(upload, outcome);
    if (outcome.status === 'retry' && !failures.includes(outcome.error)) failures.push(outcome.error);
  };

  const observe = async (
    members: readonly Upload[],
    model: string | undefined,
    work: (observation: Observation) => Promise<void>,
  ) => {
    const observation: Observation = {
      ...{
        requestId,
        operation: 'upload',
        stopwatch: startStopwatch<Stage>(),
        batchSize: members.length,
        failures: [],
      },
      ...(model !== undefined && { model }),
    };
    try {
      await work(observation);
    } catch (cause) {
      const error = ServingError.from(cause);
      observation.failures.push(error);
      const body = { ...(model && { model }), outcome: { error }, batchSize: members.length, timingsMs: {} };
      for (const upload of members) settle(observation, upload, await conclude(serving, upload, body));
    }
    return observation;
  };

  for (const upload of newestPerKey(uploads)) {
    const [, name] = upload.key.split('/');
    const observation = await observe([upload], name, async () => {
      const model = modelOf(upload);
      const bundle = await serving.router.route({ name: model }, routingKeyOf(upload));
      const batch = batches.get(bundle.digest) ?? { model, bundle, uploads: [] };
      batch.uploads.push(upload);
      batches.set(bundle.digest, batch);
    });
    if (observation.failures.length > 0) serving.telemetry.observed(observation);
  }
  for (const batch of batches.values()) {
    const observation = await observe(batch.uploads, batch.model, async (observed) => {
      observed.version = batch.bundle.version;
      for (const [upload, outcome] of await processBatch(serving, batch, deadline, observed))
        settle(observed, upload, outcome);
    });
    serving.telemetry.observed(observation);
  }
  return uploads.map((upload) => outcomes.get(upload) ?? SKIPPED);
};
