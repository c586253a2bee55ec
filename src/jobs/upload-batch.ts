import type { Answer } from '../core/answer.ts';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { roundedSteps } from '../core/stopwatch.ts';
import { MAX_INPUT_BYTES } from '../protocol/task-api/object-reference.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { parseObject } from '../serving/inputs.ts';
import { predict } from '../serving/predict.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation } from '../serving/telemetry.ts';
import { type FoundResult, isAnswered, readResult } from './known-result.ts';
import { type ResultBody, writeResult } from './results.ts';
import { sameEtag, type Upload } from './upload.ts';
import { conclude, SKIPPED, type UploadOutcome } from './upload-outcome.ts';

/** @param onReplaced told when the object is another one by now: its own event follows */
const readUpload = async ({ data }: Serving, upload: Upload, onReplaced: () => void): Promise<Payload> => {
  const object = await data.read(upload.key, MAX_INPUT_BYTES);
  if (sameEtag(object.etag, upload.etag)) return parseObject(upload.key, object.body, object);
  onReplaced();
  throw new ServingError('CONFLICT', `${upload.key} was replaced, its own event follows`);
};

/** Uploads that one version of a model answers, together. */
export interface Batch {
  readonly model: string;
  readonly bundle: PublishedBundle;
  readonly uploads: Upload[];
}

/** The key that chooses a canary and a shadow: the same for each delivery of an upload. */
export const routingKeyOf = ({ key, etag }: Upload): string => `${key} ${etag}`;

const resultOf = (outcome: PromiseSettledResult<Answer>): ResultBody['outcome'] =>
  outcome.status === 'fulfilled' ? { result: outcome.value } : { error: ServingError.from(outcome.reason) };

/** An upload that has no answer yet. */
interface OpenUpload {
  readonly upload: Upload;
  /** The result that lies beside it; undefined when it has been written since. */
  readonly found: { readonly result: FoundResult } | undefined;
}

type Outcomes = Map<Upload, UploadOutcome>;

/** A batch on its way, with the outcomes so far. */
interface Run {
  readonly serving: Serving;
  readonly batch: Batch;
  readonly observation: Observation;
  readonly outcomes: Outcomes;
}

/**
 * Writes the failure before the last attempt begins: when the run ends the process, nobody is left to write it. An answer replaces it.
 * Without this document, the attempt is made all the same.
 */
const noteLastAttempt = async (
  { serving: { data }, batch: { model, bundle }, observation: { requestId } }: Run,
  upload: Upload,
): Promise<void> => {
  const message = `the last attempt did not end: the process that ran the model ended before. Request ${requestId}`;
  const outcome = { error: new ServingError('INFERENCE_FAILED', message) };
  await writeResult(data, upload, { model, version: bundle.version, batchSize: 1, timingsMs: {}, outcome }).catch(
    () => undefined,
  );
};

/** The uploads that have no answer by the version of the batch; the others have their outcomes. */
const findOpen = async (run: Run): Promise<OpenUpload[]> => {
  const { serving, batch, observation, outcomes } = run;
  const { model, bundle, uploads } = batch;
  const open = uploads.map(async (upload): Promise<OpenUpload[]> => {
    try {
      const result = await readResult(serving.data, upload);
      if (isAnswered(result?.known, upload, bundle.version)) {
        outcomes.set(upload, SKIPPED);
        return [];
      }
      if (upload.isLastAttempt) await noteLastAttempt(run, upload);
      return [{ upload, found: upload.isLastAttempt ? undefined : { result } }];
    } catch (cause) {
      const outcome = { error: ServingError.from(cause) };
      const body = { model, version: bundle.version, batchSize: 1, timingsMs: {}, outcome };
      outcomes.set(upload, await conclude(serving, upload, body, observation));
      return [];
    }
  });
  return (await Promise.all(open)).flat();
};

/** The outcome of an upload, with the id of its prediction when a version answered it. */
type Predicted = Pick<ResultBody, 'outcome' | 'predictionId'>;

/** The outcomes of the open uploads, in their order; an error of the whole is the outcome of each. */
const predictOpen = async (
  { serving, batch: { model, bundle }, observation }: Run,
  open: readonly OpenUpload[],
  deadline: Deadline,
  replaced: Set<Upload>,
): Promise<Predicted[]> => {
  const [first] = open;
  if (first === undefined) return [];
  const payloads = open.map(
    ({ upload }) =>
      () =>
        readUpload(serving, upload, () => replaced.add(upload)),
  );
  const reference = { name: model };
  const key = routingKeyOf(first.upload);
  try {
    const call = { reference, key, routed: bundle, as: 'task', payloads, deadline, observation } as const;
    const { outcomes, ids } = await predict(serving, call);
    return outcomes.map((outcome, index) => ({ outcome: resultOf(outcome), predictionId: ids[index] }));
  } catch (cause) {
    const error = ServingError.from(cause);
    return open.map(() => ({ outcome: { error } }));
  }
};

/** Answers the uploads of `batch` that have no answer yet. Returns an outcome for each upload. */
export const processBatch = async (
  serving: Serving,
  batch: Batch,
  deadline: Deadline,
  observation: Observation,
): Promise<Outcomes> => {
  const { model, bundle } = batch;
  const { requestId, failures, stopwatch } = observation;
  const outcomes: Outcomes = new Map();
  const run = { serving, batch, observation, outcomes };
  const open = await findOpen(run);
  observation.skipped = [...outcomes.values()].filter(({ status }) => status === 'skipped').length;
  observation.batchSize = open.length;

  const replaced = new Set<Upload>();
  const results = await predictOpen(run, open, deadline, replaced);
  observation.uploads = open.map(({ upload }, index) => {
    const outcome = results[index]?.outcome;
    return { key: routingKeyOf(upload), ...(outcome && 'error' in outcome && { error: outcome.error }) };
  });
  const timingsMs = roundedSteps(stopwatch.stepsMs);
  const concluded = open.map(async ({ upload, found }, index) => {
    const predicted = results[index];
    if (predicted === undefined || replaced.has(upload)) return outcomes.set(upload, SKIPPED);
    const { outcome } = predicted;
    if ('error' in outcome && !failures.includes(outcome.error)) failures.push(outcome.error);
    const body = { model, version: bundle.version, batchSize: open.length, timingsMs, ...predicted };
    return outcomes.set(upload, await conclude(serving, upload, body, { requestId, found }));
  });
  await Promise.all(concluded);
  return outcomes;
};
