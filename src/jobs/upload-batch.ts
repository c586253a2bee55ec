import type { Answer } from '../core/answer.ts';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { MAX_INPUT_BYTES, parseObject } from '../serving/inputs.ts';
import { predict } from '../serving/predict.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation } from '../serving/telemetry.ts';
import { type FoundResult, isAnswered, type ResultBody, readResult, sameEtag, type Upload } from './results.ts';
import { conclude, retry, SKIPPED, type UploadOutcome } from './upload-outcome.ts';

const readUpload = async ({ data }: Serving, upload: Upload): Promise<Payload> => {
  const { body, etag } = await data.read(upload.key, MAX_INPUT_BYTES);
  if (!sameEtag(etag, upload.etag))
    throw new ServingError('CONFLICT', `${upload.key} was replaced, its own event follows`);
  return parseObject(upload.key, body);
};

const roundTimings = (stepsMs: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(stepsMs).map(([step, ms]) => [step, Math.round(ms * 1000) / 1000]));

/** Uploads that one version of a model answers, together. */
export interface Batch {
  readonly model: string;
  readonly bundle: PublishedBundle;
  readonly uploads: Upload[];
}

/** The key that chooses a canary and a shadow: the same for each delivery of an upload. */
export const routingKeyOf = ({ key, etag }: Upload): string => `${key} ${etag}`;

const resultOf = (outcome: PromiseSettledResult<Answer> | undefined): ResultBody['outcome'] =>
  outcome?.status === 'fulfilled' ? { result: outcome.value } : { error: ServingError.from(outcome?.reason) };

/** An upload that has no answer yet, with the result that lies beside it. */
interface OpenUpload {
  readonly upload: Upload;
  readonly result: FoundResult;
}

type Outcomes = Map<Upload, UploadOutcome>;

/** The uploads that have no answer by `version`; the outcomes of the others go into `outcomes`. */
const findOpen = async (
  { data }: Serving,
  { bundle: { version }, uploads }: Batch,
  outcomes: Outcomes,
): Promise<OpenUpload[]> => {
  const found = await Promise.all(
    uploads.map(async (upload): Promise<OpenUpload[]> => {
      try {
        const result = await readResult(data, upload);
        if (!isAnswered(result?.known, upload, version)) return [{ upload, result }];
        outcomes.set(upload, SKIPPED);
      } catch (error) {
        outcomes.set(upload, retry(error));
      }
      return [];
    }),
  );
  return found.flat();
};

/** Answers the uploads of `batch` that have no answer yet. Returns an outcome for each upload. */
export const processBatch = async (
  serving: Serving,
  batch: Batch,
  deadline: Deadline,
  observation: Observation,
): Promise<Outcomes> => {
  const { model, bundle } = batch;
  const outcomes: Outcomes = new Map();
  const open = await findOpen(serving, batch, outcomes);
  observation.skipped = [...outcomes.values()].filter(({ status }) => status === 'skipped').length;
  const [first] = open;
  if (first === undefined) {
    observation.batchSize = 0;
    return outcomes;
  }
  const prediction = await predict(serving, {
    reference: { name: model },
    key: routingKeyOf(first.upload),
    routed: bundle,
    as: 'task',
    payloads: open.map(
      ({ upload }) =>
        () =>
          readUpload(serving, upload),
    ),
    deadline,
    observation,
  });
  const timingsMs = roundTimings(observation.stopwatch.stepsMs);
  const concluded = open.map(async ({ upload, result }, index) => {
    const outcome = resultOf(prediction.outcomes[index]);
    if ('error' in outcome && outcome.error.code !== 'CONFLICT') observation.failures.push(outcome.error);
    const body = { model, version: bundle.version, batchSize: open.length, timingsMs, outcome };
    outcomes.set(upload, await conclude(serving, upload, body, { result }));
  });
  await Promise.all(concluded);
  return outcomes;
};
