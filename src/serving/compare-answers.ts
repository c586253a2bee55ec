import type { Answer } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import type { Tensor, Tensors } from '../core/tensor.ts';
import type { LabelScore } from '../tasks/scores.ts';

/** The difference between two answers to the same request. */
export interface Comparison {
  /**
   * True for another first label, and for tensors with other names, shapes, data types, or other elements that are not floats. A number in
   * the place of NaN or of an infinity is a change, too.
   */
  readonly changed: boolean;
  /** Largest absolute difference of a score, or of a floating-point element. */
  readonly distance: number;
}

/** The outcome of a shadow run. */
export interface ShadowReport {
  readonly model: string;
  /** The version that answered. */
  readonly version: number;
  readonly shadowVersion: number;
  readonly comparisons: readonly Comparison[];
  /** Requests that the version that answered could answer, and the shadow could not. */
  readonly failures: readonly ServingError[];
}

const largest = (differences: readonly number[]): number => differences.reduce((max, value) => Math.max(max, value), 0);

/** No distance lies between a number and NaN or an infinity: that is another answer. */
const compareNumbers = (answer: number, shadow: number): Comparison => {
  if (Object.is(answer, shadow)) return { changed: false, distance: 0 };
  const distance = Math.abs(answer - shadow);
  return Number.isFinite(distance) ? { changed: false, distance } : { changed: true, distance: 0 };
};

const compareLabels = (answer: readonly LabelScore[], shadow: readonly LabelScore[]): Comparison => {
  const scores = new Map(shadow.map(({ label, score }) => [label, score]));
  // A label that only one of the two lists has lies below the other's last score.
  const compareScore = ({ label, score }: LabelScore): Comparison =>
    compareNumbers(score, scores.get(label) ?? shadow.at(-1)?.score ?? 0);
  const isOther = answer[0]?.label !== shadow[0]?.label;
  return combine([...answer.map(compareScore), { changed: isOther, distance: 0 }]);
};

const compareTensor = (answer: Tensor, shadow: Tensor | undefined): Comparison => {
  if (shadow?.dtype !== answer.dtype || String(shadow.shape) !== String(answer.shape))
    return { changed: true, distance: 0 };
  const isReal = answer.dtype === 'float32' || answer.dtype === 'float64';
  let [changed, distance] = [false, 0];
  for (let i = 0; i < answer.data.length; i += 1) {
    const [a, b] = [answer.data[i], shadow.data[i]];
    if (Object.is(a, b)) continue;
    const apart = Math.abs(Number(a) - Number(b));
    if (isReal && Number.isFinite(apart)) distance = Math.max(distance, apart);
    else changed = true;
  }
  return { changed, distance };
};

const compareTensors = (answer: Tensors, shadow: Tensors): Comparison => {
  const comparisons = Object.entries(answer).map(([name, tensor]) => compareTensor(tensor, shadow[name]));
  return combine([...comparisons, { changed: Object.keys(shadow).length !== comparisons.length, distance: 0 }]);
};

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
  if (typeof answer === 'number' && typeof shadow === 'number') return compareNumbers(answer, shadow);
  if (isLabels(answer) && isLabels(shadow)) return compareLabels(answer, shadow);
  if (typeof answer !== 'object' || typeof shadow !== 'object' || answer === null || shadow === null)
    return { changed: answer !== shadow, distance: 0 };
  const others = new Map<string, unknown>(Object.entries(shadow));
  const entries = Object.entries(answer);
  if (entries.length !== others.size) return { changed: true, distance: 0 };
  return combine(entries.map(([key, value]) => compareJson(value, others.get(key))));
};

/** Compares the answer of a version with that of its shadow. */
export const compareAnswers = (answer: Answer, shadow: Answer): Comparison => {
  if (answer.kind === 'json' && shadow.kind === 'json') return compareJson(answer.value, shadow.value);
  if (answer.kind === 'tensors' && shadow.kind === 'tensors') return compareTensors(answer.outputs, shadow.outputs);
  if (answer.kind !== 'bytes' || shadow.kind !== 'bytes') return { changed: true, distance: 0 };
  return { changed: Buffer.compare(answer.data, shadow.data) !== 0, distance: 0 };
};

/** Compares, pair by pair, the requests that were answered. */
export const compareOutcomes = (
  answers: readonly PromiseSettledResult<Answer>[],
  shadows: readonly PromiseSettledResult<Answer>[],
): Pick<ShadowReport, 'comparisons' | 'failures'> => {
  const comparisons: Comparison[] = [];
  const failures: ServingError[] = [];
  answers.forEach((answer, index) => {
    const shadow = shadows[index];
    if (answer.status === 'rejected' || shadow === undefined) return;
    if (shadow.status === 'fulfilled') comparisons.push(compareAnswers(answer.value, shadow.value));
    else failures.push(ServingError.from(shadow.reason));
  });
  return { comparisons, failures };
};
