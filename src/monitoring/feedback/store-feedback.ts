import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { ParsedFeedback } from './parse-feedback.ts';

const LABELS_PREFIX = 'labels/';

/** The feedback on the predictions of a model and day. */
export const labelsPrefix = (model: string, day: string): string => `${LABELS_PREFIX}model=${model}/day=${day}/`;

/** The feedback on all predictions of a model. */
export const modelLabelsPrefix = (model: string): string => `${LABELS_PREFIX}model=${model}/`;

/** Objects that one batch of feedback may take: one for each model and day. */
export const MOST_PARTITIONS = 100;

const partitionOf = ({ prediction: { model, day } }: ParsedFeedback): string => labelsPrefix(model, day);

/** The feedback by the partition of its predictions. */
export const byPartition = (feedback: readonly ParsedFeedback[]): Map<string, ParsedFeedback[]> =>
  Map.groupBy(feedback, partitionOf);

/**
 * Writes feedback, an object for each model and day of the predictions.
 * @param batch a name by which a second write replaces the first; by default, a new one
 */
export const storeFeedback = async (
  data: ObjectStore,
  feedback: readonly ParsedFeedback[],
  receivedMs: number,
  batch = `${receivedMs}-${randomUUID().slice(0, 8)}`,
): Promise<void> => {
  const writes = [...byPartition(feedback)].map(([prefix, lines]) => {
    const text = lines.map(({ prediction: _prediction, ...line }) => `${JSON.stringify(line)}\n`).join('');
    return data.write(`${prefix}${batch}.jsonl`, text, { contentType: 'application/jsonl' });
  });
  await Promise.all(writes);
};
