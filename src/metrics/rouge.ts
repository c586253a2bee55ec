import { ratio, type Scoring, scoreSums } from './scoring.ts';
import type { Written } from './text.ts';
import { countNgrams, countShared } from './words.ts';

/** The words of a text: what is neither a Latin letter nor a digit separates them. */
const toWords = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

/** Each line is a sentence. */
const toSentences = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(toWords);

/** The harmonic mean of precision and recall. */
const fMeasure = (hits: number, answered: number, expected: number): number => {
  const [precision, recall] = [ratio(hits, answered), ratio(hits, expected)];
  return ratio(2 * precision * recall, precision + recall);
};

const ngramScore = (truth: readonly string[], predicted: readonly string[], order: number): number => {
  const count = ({ length }: readonly string[]): number => Math.max(0, length - order + 1);
  const shared = countShared(countNgrams(predicted, order, ' '), countNgrams(truth, order, ' '));
  return fMeasure(shared, count(predicted), count(truth));
};

/** The lengths of the longest common subsequences of all beginnings: row `i`, column `j` for `a.slice(0, i)` and `b.slice(0, j)`. */
const commonLengths = (a: readonly string[], b: readonly string[]): Uint32Array => {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let row = 1; row <= a.length; row += 1)
    for (let column = 1; column <= b.length; column += 1) {
      const at = row * width + column;
      lengths[at] =
        a[row - 1] === b[column - 1]
          ? (lengths[at - width - 1] ?? 0) + 1
          : Math.max(lengths[at - width] ?? 0, lengths[at - 1] ?? 0);
    }
  return lengths;
};

const sequenceScore = (truth: readonly string[], predicted: readonly string[]): number =>
  fMeasure(commonLengths(truth, predicted).at(-1) ?? 0, predicted.length, truth.length);

/** Places in `truth` of one of its longest common subsequences with `predicted`: the one that rouge-score finds. */
const commonPlaces = (truth: readonly string[], predicted: readonly string[]): number[] => {
  const width = predicted.length + 1;
  const lengths = commonLengths(truth, predicted);
  const places: number[] = [];
  let [row, column] = [truth.length, predicted.length];
  while (row > 0 && column > 0) {
    const at = row * width + column;
    if (truth[row - 1] === predicted[column - 1]) {
      places.push(row - 1);
      row -= 1;
      column -= 1;
    } else if ((lengths[at - 1] ?? 0) > (lengths[at - width] ?? 0)) column -= 1;
    else row -= 1;
  }
  return places;
};

/** The words that a sentence has in common with any of the others, in their order. */
const commonWords = (sentence: readonly string[], others: readonly (readonly string[])[]): string[] => {
  const places = new Set(others.flatMap((other) => commonPlaces(sentence, other)));
  return sentence.filter((_, place) => places.has(place));
};

/** Lin (2004), section 3.2. A word of the answer counts once. */
const summaryScore = (truth: readonly string[][], predicted: readonly string[][]): number => {
  const [expected, answered] = [truth.flat(), predicted.flat()];
  const left = countNgrams(answered, 1, '');
  let hits = 0;
  for (const word of truth.flatMap((sentence) => commonWords(sentence, predicted))) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    hits += 1;
    left.set(word, count - 1);
  }
  return fMeasure(hits, answered.length, expected.length);
};

/**
 * The means of the F-measures ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum, from 0 to 1, as `rouge-score` computes them without a stemmer: the
 * default of Hugging Face's `evaluate`.
 */
export const scoreSummaries = (samples: readonly Written[]): Scoring =>
  scoreSums(
    samples.map(({ truth, predicted }) => {
      const [expected, answered] = [toWords(truth), toWords(predicted)];
      return [
        ...[1, ngramScore(expected, answered, 1), ngramScore(expected, answered, 2)],
        ...[sequenceScore(expected, answered), summaryScore(toSentences(truth), toSentences(predicted))],
      ];
    }),
    ([count = 0, rouge1 = 0, rouge2 = 0, rougeL = 0, rougeLsum = 0]) => ({
      ...{ rouge1: rouge1 / count, rouge2: rouge2 / count },
      ...{ rougeL: rougeL / count, rougeLsum: rougeLsum / count },
    }),
  );
