import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation, Step } from '../serving/telemetry.ts';
import { excessBytes, isOlder, type Upload } from './upload.ts';
import { type Batch, processBatch, routingKeyOf } from './upload-batch.ts';
import { conclude, SKIPPED, type UploadOutcome } from './upload-outcome.ts';

/** The model that `uploads/<model>/<path>` names. @throws `INVALID_REQUEST` */
const modelOf = (upload: Upload): string => {
  const { key } = upload;
  const [, model, ...path] = key.split('/');
  const excess = excessBytes(upload);
  if (excess > 0)
    throw new ServingError(
      'INVALID_REQUEST',
      `${key} is too long: its result cannot be named; shorten it by ${excess} ${excess === 1 ? 'byte' : 'bytes'}`,
    );
  if (model && path.length > 0) return model;
  throw new ServingError('INVALID_REQUEST', `${key} names no model, expected uploads/<model>/<path>`);
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

/** An invocation with uploads, and the outcomes so far. */
interface Delivery {
  readonly serving: Serving;
  readonly requestId: string;
  readonly outcomes: Map<Upload, UploadOutcome>;
}

/** Notes an outcome. An upload that goes back to its queue is a failure that telemetry has to show. */
const settle = ({ outcomes }: Delivery, { failures }: Observation, upload: Upload, outcome: UploadOutcome): void => {
  outcomes.set(upload, outcome);
  if (outcome.status === 'retry' && !failures.includes(outcome.error)) failures.push(outcome.error);
};

/** Runs `work` for `uploads` of one model. An error of the whole is written as the result of each. */
const observe = async (
  delivery: Delivery,
  uploads: readonly Upload[],
  model: string | undefined,
  work: (observation: Observation) => Promise<void>,
): Promise<Observation> => {
  const { serving, requestId } = delivery;
  const stopwatch = startStopwatch<Step>();
  const batchSize = uploads.length;
  const named = model === undefined ? {} : { model };
  const observation: Observation = { ...named, requestId, operation: 'upload', stopwatch, batchSize, failures: [] };
  try {
    await work(observation);
  } catch (cause) {
    const error = ServingError.from(cause);
    observation.failures.push(error);
    const body = { ...named, outcome: { error }, batchSize, timingsMs: {} };
    for (const upload of uploads)
      settle(delivery, observation, upload, await conclude(serving, upload, body, { requestId }));
  }
  return observation;
};

/** The uploads by the version that answers them. An upload that cannot be routed has its outcome. */
const toBatches = async (delivery: Delivery, uploads: readonly Upload[], deadline: Deadline): Promise<Batch[]> => {
  const { serving } = delivery;
  const batches = new Map<string, Batch>();
  for (const upload of newestPerKey(uploads)) {
    const [, name] = upload.key.split('/');
    const observation = await observe(delivery, [upload], name, async () => {
      const model = modelOf(upload);
      const bundle = await serving.router.route({ name: model }, routingKeyOf(upload), deadline);
      const batch = batches.get(bundle.digest) ?? { model, bundle, uploads: [] };
      batch.uploads.push(upload);
      batches.set(bundle.digest, batch);
    });
    if (observation.failures.length > 0) serving.telemetry.observed(observation);
  }
  return [...batches.values()];
};

/** Answers uploads, each with a document below `results/`; uploads for the same version run together. Returns an outcome for each upload, in order. */
export const processUploads = async (
  serving: Serving,
  uploads: readonly Upload[],
  deadline: Deadline,
  requestId: string,
): Promise<UploadOutcome[]> => {
  const delivery: Delivery = { serving, requestId, outcomes: new Map() };
  for (const batch of await toBatches(delivery, uploads, deadline)) {
    const observation = await observe(delivery, batch.uploads, batch.model, async (observed) => {
      observed.version = batch.bundle.version;
      for (const [upload, outcome] of await processBatch(serving, batch, deadline, observed))
        settle(delivery, observed, upload, outcome);
    });
    serving.telemetry.observed(observation);
  }
  return uploads.map((upload) => delivery.outcomes.get(upload) ?? SKIPPED);
};
