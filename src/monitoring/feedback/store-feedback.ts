import { randomUUID } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { ParsedFeedback } from './parse-feedback.ts';

const LABELS_PREFIX = 'labels/';

/** The feedback on the predictions of a model and day. */
export const labelsPrefix = (model: string, day: string): string => `${LABELS_PREFIX}model=${model}/day=${day}/`;

/** The feedback on all predictions of a model. */
export const modelLabelsPrefix = (model: string): string => `${LABELS_PREFIX}model=${model}/`;

/** Objects that one batch of feedback may take: one for each model and day. */
const MOST_PARTITIONS = 100;

export const partitionOf = ({ prediction: { model, day } }: ParsedFeedback): string => labelsPrefix(model, day);

/** @throws `PAYLOAD_TOO_LARGE` */
export const assertPartitions = (count: number): void => {
  if (count <= MOST_PARTITIONS) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the feedback is on predictions of ${count} days and models, at most ${MOST_PARTITIONS} are taken at once`,
  );
};

/**
 * Writes feedback, an object for each model and day of the predictions.
 * @param batch a name by which a second write replaces the first; by default, a new one
 * @throws `PAYLOAD_TOO_LARGE` for predictions of more than 100 days and models; `MODEL_UNAVAILABLE`
 */
export const storeFeedback = async (
  data: ObjectStore,
  feedback: readonly ParsedFeedback[],
  receivedMs: number,
  batch = `${receivedMs}-${randomUUID().slice(0, 8)}`,
): Promise<void> => {
  const partitions = Map.groupBy(feedback, partitionOf);
  assertPartitions(partitions.size);
  const writes = [...partitions].map(([prefix, lines]) => {
    const text = lines.map(({ prediction: _prediction, ...line }) => `${JSON.stringify(line)}\n`).join('');
    return data.write(`${prefix}${batch}.jsonl`, text, { contentType: 'application/jsonl' });
  });
  await Promise.all(writes);
};
