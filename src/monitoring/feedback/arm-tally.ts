import type { CaptureRecord } from '../../capture/record.ts';
import { type Classified, confusionMatrix, scoreClassification } from '../../metrics/classification.ts';
import { type Interval, wilson } from '../../metrics/interval.ts';
import { errorFigures, errorTerms } from '../../metrics/regression.ts';
import { createReliability, type ReliabilityBin } from '../../metrics/reliability.ts';
import type { Word } from './read-labels.ts';

/** The quality of the answers of a version in a part of a roll-out, by their feedback. */
export interface Accuracy {
  readonly version: number;
  readonly arm: string;
  /** Answers that were captured, and those of them that have feedback. */
  readonly served: number;
  readonly labelled: number;
  /** `labelled / served`: labels are seldom given to all kinds of answers alike. */
  readonly coverage: number;
  /** The share of right answers with its 95 % interval (Wilson). */
  readonly accuracy?: { readonly value: number; readonly right: number; readonly of: number } & Interval;
  readonly macroF1?: number;
  /** Counts by right label and answered one. Labels beyond the 50 most frequent are "other". */
  readonly confusion?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Expected calibration error, and the bins of which it is made. */
  readonly calibration?: { readonly error: number; readonly bins: readonly ReliabilityBin[] };
  readonly regression?: { readonly mae: number; readonly rmse: number; readonly of: number };
  /** Right labels that the version never answered. */
  readonly strangeLabels: readonly string[];
}

const MOST_LABELS = 50;
/** Right labels that are told apart: callers can make up any number of them. */
const MOST_TOLD = 10_000;
const MOST_NAMED = 20;
const OTHER = 'other';

/** Undefined when the word does not tell, as a number does not. */
export const isRight = (
  { label }: Pick<CaptureRecord, 'label'>,
  word: Pick<Word, 'label' | 'correct'>,
): boolean | undefined =>
  word.correct ?? (word.label === undefined || label === undefined ? undefined : word.label === label);

/** Pairs of a right label and an answered one, and the times of each. */
interface Pairs {
  readonly samples: readonly Classified[];
  readonly times: readonly number[];
}

/** Labels of which there are too many become one. */
const limited = ({ samples, times }: Pairs): Classified[] => {
  const frequencies = new Map<string, number>();
  for (const [index, { truth, predicted }] of samples.entries())
    for (const label of [truth, predicted]) frequencies.set(label, (frequencies.get(label) ?? 0) + (times[index] ?? 0));
  const kept = new Set(
    [...frequencies]
      .sort(([label, one], [otherLabel, other]) => other - one || (label < otherLabel ? -1 : 1))
      .slice(0, MOST_LABELS)
      .map(([label]) => label),
  );
  const name = (label: string): string => (kept.has(label) ? label : OTHER);
  return samples.map(({ truth, predicted }) => ({ truth: name(truth), predicted: name(predicted) }));
};

const scoreLabels = (pairs: Pairs): Partial<Accuracy> => {
  if (pairs.samples.length === 0) return {};
  const { macroF1 = Number.NaN } = scoreClassification(pairs.samples).figures(pairs.times);
  return { macroF1, confusion: confusionMatrix(limited(pairs), pairs.times) };
};

/** Answers of one version and arm with their feedback, of which counts and sums are kept alone. */
export interface ArmTally {
  add(record: CaptureRecord, word: Word | undefined): void;
  figures(): Accuracy;
}

export const createArmTally = (version: number, arm: string): ArmTally => {
  let [served, labelled, right, of] = [0, 0, 0, 0];
  const answered = new Set<string>();
  const told = new Set<string>();
  const confusion = new Map<string, Map<string, number>>();
  const errors: [number, number, number] = [0, 0, 0];
  const reliability = createReliability();

  const addPair = (truth: string, predicted: string): void => {
    const row = confusion.get(truth) ?? new Map<string, number>();
    confusion.set(truth, row.set(predicted, (row.get(predicted) ?? 0) + 1));
  };
  /** The label itself, or "other" beyond the most that are kept. Each that is answered is kept. */
  const toTruth = (label: string, predicted: string | undefined): string => {
    if (label !== predicted && !told.has(label) && told.size >= MOST_TOLD) return OTHER;
    told.add(label);
    return label;
  };
  const addWord = (record: CaptureRecord, word: Word): void => {
    labelled += 1;
    const truth = word.label === undefined ? undefined : toTruth(word.label, record.label);
    if (truth !== undefined && record.label !== undefined) addPair(truth, record.label);
    if (word.value !== undefined && record.value !== undefined)
      for (const [index, term] of errorTerms({ truth: word.value, predicted: record.value }).entries())
        errors[index] = (errors[index] ?? 0) + term;
    const correct = isRight(record, word);
    if (correct === undefined) return;
    of += 1;
    right += Number(correct);
    const { score } = record;
    if (score !== undefined && score >= 0 && score <= 1) reliability.add({ confidence: score, correct });
  };

  return {
    add(record, word) {
      served += 1;
      if (record.label !== undefined) answered.add(record.label);
      if (word !== undefined) addWord(record, word);
    },
    figures() {
      const counted = [...confusion].flatMap(([truth, row]) =>
        [...row].map(([predicted, times]) => ({ truth, predicted, times })),
      );
      const calibration = reliability.figures();
      return {
        ...{ version, arm, served, labelled, coverage: served === 0 ? 0 : labelled / served },
        ...(of > 0 && { accuracy: { value: right / of, right, of, ...wilson(right, of) } }),
        ...(calibration && { calibration }),
        ...scoreLabels({ samples: counted, times: counted.map(({ times }) => times) }),
        ...(errors[0] > 0 && { regression: { ...errorFigures(errors), of: errors[0] } }),
        strangeLabels: [...told]
          .filter((label) => !answered.has(label))
          .sort()
          .slice(0, MOST_NAMED),
      };
    },
  };
};
