import { type OutputRow, rangeOf } from '../../core/batch.ts';
import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { topIndices } from '../top-indices.ts';
import type { Head, Place } from './heads.ts';
import type { TabularClassificationSettings } from './settings.ts';

/** A label of a row. */
export interface RowLabel {
  readonly label: string;
  /** Left out if the graph gives the label alone. */
  readonly score?: number;
  /** Tells whether the row has this label, of a model with several labels. */
  readonly predicted?: boolean;
}

/** The numbers of an output of one row. @throws `INVALID_INPUT`, `INFERENCE_FAILED` */
export type ReadNumbers = (name: string) => readonly number[];

const partOf = <Value>(values: readonly Value[], { index, count = 1 }: Place): readonly Value[] => {
  if (index === undefined) return values;
  const width = values.length / count;
  return values.slice(index * width, (index + 1) * width);
};

/** A label of the graph as Python prints it. */
const nameOf = (value: unknown): string => (typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value));

const labelValues = (row: OutputRow, place: Place): readonly string[] => {
  const output = row.outputs[place.name];
  if (output === undefined) throw new ServingError('INFERENCE_FAILED', `the graph gave no "${place.name}"`);
  const { data, dtype } = output;
  const names: string[] = [];
  const [start, end] = rangeOf(output, row);
  for (let index = start; index < end; index += 1)
    names.push(nameOf(dtype === 'bool' ? Boolean(data[index]) : data[index]));
  return partOf(names, place);
};

/** The graph's own label of a row, as text; of several labels, one text for each. Undefined if it gives none. */
export const readLabel = ({ label }: Head, row: OutputRow): readonly string[] | undefined =>
  label === undefined ? undefined : labelValues(row, label);

/** The scores of a row as the graph gives them. Outputs of two classes that are a label each give the second. */
export const readScores = ({ scores, labels }: Head, read: ReadNumbers): readonly number[] => {
  const [first, ...others] = scores.map((place) => partOf(read(place.name), place));
  if (first === undefined) return [];
  if (others.length > 0) return [first, ...others].map((each) => each.at(-1) ?? Number.NaN);
  const isPadded = scores[0]?.index !== undefined && first.length > labels.length;
  return isPadded ? first.slice(0, labels.length) : first;
};

/** A score of each class, of which a single one may be that of the second of two. */
const scoresOfClasses = (
  numbers: readonly number[],
  { labels }: Head,
  { scores, isReversed }: TabularClassificationSettings,
): readonly number[] => {
  if (numbers.length === 1 && labels.length === 2) {
    const [score = 0] = numbers;
    return [scores === 'margins' ? -score : 1 - score, score];
  }
  if (numbers.length === labels.length) return isReversed ? numbers.toReversed() : numbers;
  throw new ServingError('INFERENCE_FAILED', `the graph gave ${numbers.length} scores for ${labels.length} classes`);
};

/** The index of the class that the graph predicts. @throws `INFERENCE_FAILED` for a class that it has not */
const indexOf = ([value]: readonly string[], { values, label }: Head): number => {
  const index = values.indexOf(value ?? '');
  if (index >= 0) return index;
  throw new ServingError(
    'INFERENCE_FAILED',
    `the graph's "${label?.name}" is ${show(value)}, which is none of its classes ${values.slice(0, 10).join(', ')}`,
  );
};

/** The best class first: that of the graph's own label, if it gives one. The least distance is the best. */
const ranked = (
  numbers: readonly number[],
  predicted: number | undefined,
  topK: number,
  isDistance: boolean,
): number[] => {
  const order = topIndices(isDistance ? numbers.map((number) => -number) : numbers, topK);
  if (predicted === undefined || order[0] === predicted) return order;
  return [predicted, ...order.filter((index) => index !== predicted)].slice(0, topK);
};

/** The labels of a row with one label, the predicted one first. */
export const answerHead = (
  head: Head,
  settings: TabularClassificationSettings,
  row: OutputRow,
  read: ReadNumbers,
  topK: number,
): RowLabel[] => {
  const own = readLabel(head, row);
  const predicted = own && indexOf(own, head);
  const labelAt = (index: number): string => head.labels[index] ?? String(index);
  if (settings.scores === 'label') return [{ label: labelAt(predicted ?? 0) }];
  const numbers = readScores(head, read);
  if (settings.scores === 'outlier_score') {
    const [score = 0] = numbers;
    return [{ label: labelAt(predicted ?? (score < 0 ? 0 : 1)), score }];
  }
  const scores = scoresOfClasses(numbers, head, settings);
  return ranked(scores, predicted, topK, settings.scores === 'distances').map((index) => ({
    label: labelAt(index),
    score: scores[index] ?? 0,
  }));
};

/** The number of the best label: the label itself where all are numbers, otherwise its place among them. */
export const numberOf = ({ labels }: Head, [best]: readonly RowLabel[]): number => {
  const label = best?.label ?? '';
  const areNumbers = labels.every((each) => each.trim() !== '' && Number.isFinite(Number(each)));
  return areNumbers ? Number(label) : labels.indexOf(label);
};

/** From which score on a label is set, where the graph does not say it. */
export const thresholdOf = ({ scores }: TabularClassificationSettings): number => (scores === 'margins' ? 0 : 0.5);

/** All labels of a row with several labels, the best score first. */
export const answerLabels = (
  head: Head,
  settings: TabularClassificationSettings,
  row: OutputRow,
  read: ReadNumbers,
  topK: number,
): RowLabel[] => {
  const own = readLabel(head, row);
  const scores = readScores(head, read);
  if (scores.length !== head.labels.length)
    throw new ServingError(
      'INFERENCE_FAILED',
      `the graph gave ${scores.length} scores for ${head.labels.length} labels`,
    );
  return topIndices(scores, topK).map((index) => {
    const score = scores[index] ?? 0;
    const predicted = own === undefined ? score > thresholdOf(settings) : own[index] === '1' || own[index] === 'True';
    return { label: head.labels[index] ?? String(index), score, predicted };
  });
};
