import { listCaptures, readCaptures } from '../../capture/read-captures.ts';
import type { CaptureRecord } from '../../capture/record.ts';
import { type Classified, confusionMatrix, scoreClassification } from '../../metrics/classification.ts';
import { type Interval, wilson } from '../../metrics/interval.ts';
import { scoreRegression } from '../../metrics/regression.ts';
import { type ReliabilityBin, reliability } from '../../metrics/reliability.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { Feedback } from './parse-feedback.ts';
import { readLabels, wordKey } from './read-labels.ts';

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

/** The quality of a day's answers. */
export interface DayAccuracy {
  readonly formatVersion: 1;
  readonly model: string;
  readonly day: string;
  readonly versions: readonly Accuracy[];
  /** Feedback on predictions of which there is no record, and some of their ids. */
  readonly unknown: { readonly count: number; readonly ids: readonly string[] };
  /** Words that a later one has replaced. */
  readonly replaced: number;
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
  /** Objects that were read. */
  readonly objects: { readonly labels: number; readonly captures: number };
}

const MOST_LABELS = 50;
const MOST_NAMED = 20;
const OTHER = 'other';

interface Pair {
  readonly record: CaptureRecord;
  readonly word: Feedback;
}

/** Labels of which there are too many become one. */
const limited = (samples: readonly Classified[]): Classified[] => {
  const all = samples.flatMap(({ truth, predicted }) => [truth, predicted]);
  const kept = new Set(
    [...Map.groupBy(all, (label) => label)]
      .sort(([, one], [, other]) => other.length - one.length)
      .slice(0, MOST_LABELS)
      .map(([label]) => label),
  );
  const name = (label: string): string => (kept.has(label) ? label : OTHER);
  return samples.map(({ truth, predicted }) => ({ truth: name(truth), predicted: name(predicted) }));
};

/** Undefined when the word does not tell, as a number does not. */
export const isRight = ({ record, word }: Pair): boolean | undefined =>
  word.correct ?? (word.label === undefined || record.label === undefined ? undefined : word.label === record.label);

const scoreShares = (pairs: readonly Pair[]): Partial<Accuracy> => {
  const judged = pairs.flatMap((pair) => {
    const right = isRight(pair);
    return right === undefined ? [] : [{ right, score: pair.record.score }];
  });
  if (judged.length === 0) return {};
  const right = judged.filter((each) => each.right).length;
  const accuracy = { value: right / judged.length, right, of: judged.length, ...wilson(right, judged.length) };
  const scored = judged.flatMap(({ right: correct, score }) =>
    score !== undefined && score >= 0 && score <= 1 ? [{ confidence: score, correct }] : [],
  );
  return { accuracy, ...(scored.length > 0 && { calibration: reliability(scored) }) };
};

const scoreLabels = (pairs: readonly Pair[]): Partial<Accuracy> => {
  const samples = pairs.flatMap(({ record, word }): Classified[] =>
    word.label === undefined || record.label === undefined ? [] : [{ truth: word.label, predicted: record.label }],
  );
  if (samples.length === 0) return {};
  const { macroF1 = Number.NaN } = scoreClassification(samples).figures();
  return { macroF1, confusion: confusionMatrix(limited(samples)) };
};

const scoreValues = (pairs: readonly Pair[]): Partial<Accuracy> => {
  const samples = pairs.flatMap(({ record, word }) =>
    word.value === undefined || record.value === undefined ? [] : [{ truth: word.value, predicted: record.value }],
  );
  if (samples.length === 0) return {};
  const { mae = Number.NaN, rmse = Number.NaN } = scoreRegression(samples).figures();
  return { regression: { mae, rmse, of: samples.length } };
};

/** The quality of one version and arm. */
const scoreArm = (
  version: number,
  arm: string,
  records: readonly CaptureRecord[],
  last: ReadonlyMap<string, Feedback>,
): Accuracy => {
  const pairs = records.flatMap((record): Pair[] => {
    const word = last.get(wordKey(record));
    return word === undefined ? [] : [{ record, word }];
  });
  const answered = new Set(records.map(({ label }) => label));
  const strange = new Set(
    pairs.flatMap(({ word: { label } }) => (label === undefined || answered.has(label) ? [] : [label])),
  );
  return {
    ...{ version, arm, served: records.length, labelled: pairs.length },
    coverage: records.length === 0 ? 0 : pairs.length / records.length,
    ...scoreShares(pairs),
    ...scoreLabels(pairs),
    ...scoreValues(pairs),
    strangeLabels: [...strange].sort().slice(0, MOST_NAMED),
  };
};

/** Scores answers by their feedback, for each version and arm. */
export const scoreAnswers = (records: readonly CaptureRecord[], last: ReadonlyMap<string, Feedback>): Accuracy[] => {
  const answered = records.filter(({ status }) => status === 'ok');
  return [...Map.groupBy(answered, ({ version, arm }) => `${version} ${arm}`).values()]
    .flatMap((own) => {
      const [first] = own;
      return first === undefined ? [] : [scoreArm(first.version, first.arm, own, last)];
    })
    .sort((one, other) => one.version - other.version || (one.arm < other.arm ? -1 : 1));
};

/** Joins the answers of a day with the feedback on them, which may be much younger. @throws `MODEL_UNAVAILABLE` */
export const scoreDay = async (data: ObjectStore, model: string, day: string): Promise<DayAccuracy> => {
  const keys = await listCaptures(data, model, day);
  const [labels, captures] = await Promise.all([readLabels(data, model, day), readCaptures(data, keys)]);
  const known = new Set(captures.records.map(wordKey));
  const unknown = [...labels.last.entries()].filter(([key]) => !known.has(key));
  return {
    ...{ formatVersion: 1, model, day, versions: scoreAnswers(captures.records, labels.last) },
    unknown: { count: unknown.length, ids: unknown.slice(0, MOST_NAMED).map(([, { id }]) => id) },
    replaced: labels.replaced,
    damaged: [...labels.damaged, ...captures.damaged],
    objects: { labels: labels.objects.length, captures: keys.length },
  };
};
