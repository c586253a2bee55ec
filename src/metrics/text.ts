import { type Figures, type Scoring, scoreSums } from './scoring.ts';
import { countNgrams, countShared, editDistance, mergeSpaces, splitAtSpaces, strip, stripEnd } from './words.ts';

export interface Written {
  readonly truth: string;
  readonly predicted: string;
}

/** jiwer splits at blanks alone. */
const toWords = (text: string): string[] =>
  strip(mergeSpaces(text))
    .split(' ')
    .filter((word) => word !== '');

/** Word and character error rates of transcripts, as jiwer computes them: case and punctuation count. NaN when the truths are empty. */
export const scoreTranscripts = (samples: readonly Written[]): Scoring =>
  scoreSums(
    samples.map(({ truth, predicted }) => {
      const [words, characters] = [toWords(truth), [...strip(truth)]];
      const wordEdits = editDistance(words, toWords(predicted));
      return [wordEdits, words.length, editDistance(characters, [...strip(predicted)]), characters.length];
    }),
    ([wordEdits = 0, words = 0, characterEdits = 0, characters = 0]) => ({
      wer: wordEdits / words,
      cer: characterEdits / characters,
    }),
  );

/** Rules of `mteval-v13a`, in their order. */
const RULES_13A: readonly (readonly [RegExp, string])[] = [
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
];

const ENTITIES = [
  ['&quot;', '"'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
] as const;

/** The words of a sentence by the tokenizer `13a` of sacrebleu. */
export const tokenize13a = (text: string): string[] => {
  const joined = stripEnd(text).replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  const plain = ENTITIES.reduce((line, [entity, character]) => line.replaceAll(entity, character), joined);
  return splitAtSpaces(RULES_13A.reduce((line, [rule, by]) => line.replace(rule, by), ` ${plain} `));
};

const ORDERS = [1, 2, 3, 4];

/** The sums that BLEU needs: both lengths of a sentence, and for each order its n-grams that are right, then all of them. */
const bleuStatistics = ({ truth, predicted }: Written): number[] => {
  const [reference, words] = [tokenize13a(truth), tokenize13a(predicted)];
  const shared = ORDERS.map((n) => countShared(countNgrams(words, n, ' '), countNgrams(reference, n, ' ')));
  return [words.length, reference.length, ...shared, ...ORDERS.map((n) => Math.max(0, words.length - n + 1))];
};

const bleuOf = ([length = 0, referenceLength = 0, ...counts]: readonly number[]): number => {
  const right = counts.slice(0, ORDERS.length);
  if (right.every((count) => count === 0)) return 0;
  let [halving, logarithms] = [1, 0];
  for (const [index, count] of right.entries()) {
    const all = counts[ORDERS.length + index] ?? 0;
    if (all === 0) return 0;
    if (count === 0) halving *= 2;
    logarithms += Math.log((100 * (count || 1 / halving)) / all);
  }
  const brevity = length < referenceLength ? Math.exp(1 - referenceLength / length) : 1;
  return brevity * Math.exp(logarithms / ORDERS.length);
};

const CHARACTER_ORDERS = [1, 2, 3, 4, 5, 6];
/** Recall counts four times as much as precision: chrF2. */
const RECALL_WEIGHT = 4;

/** The sums that chrF needs: for each order the n-grams of the answer, of the reference, and of both. */
const chrfStatistics = ({ truth, predicted }: Written): number[] => {
  const [reference, answer] = [truth, predicted].map((text) => [...splitAtSpaces(text).join('')]);
  return CHARACTER_ORDERS.flatMap((n) => {
    const [referenceNgrams, ngrams] = [countNgrams(reference ?? [], n, ''), countNgrams(answer ?? [], n, '')];
    const count = ({ length }: readonly string[]): number => Math.max(0, length - n + 1);
    const references = count(reference ?? []);
    return [references === 0 ? 0 : count(answer ?? []), references, countShared(ngrams, referenceNgrams)];
  });
};

const chrfOf = (statistics: readonly number[]): number => {
  let [precision, recall, orders] = [0, 0, 0];
  for (const index of CHARACTER_ORDERS.keys()) {
    const [answered = 0, referenced = 0, shared = 0] = statistics.slice(3 * index, 3 * index + 3);
    if (answered === 0 || referenced === 0) continue;
    precision += shared / answered;
    recall += shared / referenced;
    orders += 1;
  }
  if (precision + recall === 0) return 0;
  return (100 * (1 + RECALL_WEIGHT) * precision * recall) / (RECALL_WEIGHT * precision + recall) / orders;
};

/** BLEU (tokenizer 13a, exponential smoothing) and chrF2 of all sentences together, from 0 to 100, as sacrebleu computes them. */
export const scoreTranslations = (samples: readonly Written[]): Scoring =>
  scoreSums(
    samples.map((sample) => [...bleuStatistics(sample), ...chrfStatistics(sample)]),
    (sums): Figures => ({ bleu: bleuOf(sums.slice(0, 10)), chrf: chrfOf(sums.slice(10)) }),
  );
