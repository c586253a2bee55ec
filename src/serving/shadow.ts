import { ServingError } from '../core/errors.ts';
import { JsonText } from '../core/json-text.ts';
import { Truncated } from '../core/truncated.ts';
import type { LabelScore } from '../tasks/scores.ts';

/** How far two answers to the same request lie apart. */
export interface Comparison {
  /** Another first label; or, of tensors, other names, shapes, or elements that are no floating-point numbers. */
  readonly changed: boolean;
  /** Largest absolute difference of a score, or of a floating-point element. */
  readonly distance: number;
}

/** What running a shadow version showed. */
export interface ShadowReport {
  readonly model: string;
  /** Of the version that answered. */
  readonly version: number;
  readonly shadowVersion: number;
  readonly comparisons: readonly Comparison[];
  /** Requests that the version that answered could answer, and the shadow could not. */
  readonly failures: readonly ServingError[];
}

interface JsonTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

const largest = (differences: readonly number[]): number => differences.reduce((max, value) => Math.max(max, value), 0);

const compareLabels = (answer: readonly LabelScore[], shadow: readonly LabelScore[]): Comparison => {
  const scores = new Map(shadow.map(({ label, score }) => [label, score]));
  // A label that only one of the two lists has lies below the other's last score.
  const difference = ({ label, score }: LabelScore): number =>
    Math.abs(score - (scores.get(label) ?? shadow.at(-1)?.score ?? 0));
  return { changed: answer[0]?.label !== shadow[0]?.label, distance: largest(answer.map(difference)) };
};

const compareTensor = (answer: JsonTensor, shadow: JsonTensor | undefined): Comparison => {
  if (shadow?.datatype !== answer.datatype || String(shadow.shape) !== String(answer.shape))
    return { changed: true, distance: 0 };
  if (!answer.datatype.startsWith('FP'))
    return { changed: answer.data.some((value, index) => value !== shadow.data[index]), distance: 0 };
  const differences = answer.data.map((value, index) => Math.abs(Number(value) - Number(shadow.data[index])));
  return { changed: false, distance: largest(differences) };
};

const outputsOf = ({ text }: JsonText): readonly JsonTensor[] =>
  (JSON.parse(text) as { outputs: JsonTensor[] }).outputs;

const isLabels = (value: unknown): value is LabelScore[] =>
  Array.isArray(value) &&
  value.every(
    (entry: unknown) =>
      Object.hasOwn(Object(entry), 'label') &&
      Object.hasOwn(Object(entry), 'score') &&
      !Object.hasOwn(Object(entry), 'box'),
  );

const combine = (comparisons: readonly Comparison[]): Comparison => ({
  changed: comparisons.some(({ changed }) => changed),
  distance: largest(comparisons.map(({ distance }) => distance)),
});

/** Numbers by how far they lie apart; anything else, the length of a list among it, is equal or changed. */
const compareJson = (answer: unknown, shadow: unknown): Comparison => {
  if (typeof answer === 'number' && typeof shadow === 'number')
    return { changed: false, distance: Math.abs(answer - shadow) };
  if (isLabels(answer) && isLabels(shadow)) return compareLabels(answer, shadow);
  if (typeof answer !== 'object' || typeof shadow !== 'object' || answer === null || shadow === null)
    return { changed: answer !== shadow, distance: 0 };
  const others = new Map<string, unknown>(Object.entries(shadow));
  const entries = Object.entries(answer);
  if (entries.length !== others.size) return { changed: true, distance: 0 };
  return combine(entries.map(([key, value]) => compareJson(value, others.get(key))));
};

/** Compares what a task answered with what its shadow would have. */
export const compareResults = (answer: unknown, shadow: unknown): Comparison => {
  if (answer instanceof Truncated) return compareResults(answer.value, shadow);
  if (shadow instanceof Truncated) return compareResults(answer, shadow.value);
  if (answer instanceof JsonText && shadow instanceof JsonText) {
    const others = new Map(outputsOf(shadow).map((tensor) => [tensor.name, tensor]));
    const comparisons = outputsOf(answer).map((tensor) => compareTensor(tensor, others.get(tensor.name)));
    return combine([...comparisons, { changed: others.size !== comparisons.length, distance: 0 }]);
  }
  return compareJson(answer, shadow);
};

/** Compares, pair by pair, the requests that were answered. */
export const compareOutcomes = (
  answers: readonly PromiseSettledResult<unknown>[],
  shadows: readonly PromiseSettledResult<unknown>[],
): Pick<ShadowReport, 'comparisons' | 'failures'> => {
  const comparisons: Comparison[] = [];
  const failures: ServingError[] = [];
  answers.forEach((answer, index) => {
    const shadow = shadows[index];
    if (answer.status === 'rejected' || shadow === undefined) return;
    if (shadow.status === 'fulfilled') comparisons.push(compareResults(answer.value, shadow.value));
    else failures.push(ServingError.from(shadow.reason));
  });
  return { comparisons, failures };
};
