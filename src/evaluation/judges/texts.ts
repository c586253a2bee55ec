import * as v from 'valibot';
import { scoreSummaries } from '../../metrics/rouge.ts';
import { type Scoring, scoreSums } from '../../metrics/scoring.ts';
import { scoreTranscripts, scoreTranslations, type Written } from '../../metrics/text.ts';
import { strip } from '../../metrics/words.ts';
import { defineJudge, type Judge } from './judge.ts';
import { perplexity } from './perplexity.ts';

/** The figures of `scoring`, and the share of texts that are the same. */
const withSameAnswers = (scoring: Scoring, samples: readonly Written[]): Scoring => {
  const same = Uint8Array.from(samples, ({ truth, predicted }) => Number(truth === predicted));
  const shares = scoreSums(
    [...same].map((flag) => [1, flag]),
    ([count = 0, right = 0]) => ({ sameAnswer: right / count }),
  );
  return {
    ...scoring,
    shares: { sameAnswer: same },
    figures: (weights) => ({ ...scoring.figures(weights), ...shares.figures(weights) }),
  };
};

/** The share of texts that are right to the letter, but for white space around them. */
const scoreExactly = (samples: readonly Written[]): Scoring => {
  const same = Uint8Array.from(samples, ({ truth, predicted }) => Number(strip(truth) === strip(predicted)));
  return scoreSums(
    [...same].map((flag) => [1, flag]),
    ([count = 0, right = 0]) => ({ sameText: right / count }),
    { sameText: same },
  );
};

const textsOf = (
  field: string,
  score: (samples: readonly Written[]) => Scoring,
  parameters: Judge['parameters'] = () => ({}),
) =>
  defineJudge({
    parameters,
    labelForm: () => 'a text',
    readLabel: (label) => (typeof label === 'string' ? label : undefined),
    answer: v.pipe(
      v.record(v.string(), v.unknown()),
      v.transform((answer) => answer[field]),
      v.string(),
    ),
    label: (truth, predicted) => ({ truth, predicted }),
    score,
    agree: (truth, predicted) => ({ truth, predicted }),
    scoreAgreement: (samples) => withSameAnswers(score(samples), samples),
  });

export const transcripts = textsOf('text', scoreTranscripts);
export const translations = textsOf('translation_text', scoreTranslations);
export const summaries = textsOf('summary_text', scoreSummaries);
/** The likeliest tokens: drawn ones would give other figures each time. */
export const generatedTexts: Judge = {
  ...textsOf('generated_text', scoreExactly, () => ({ do_sample: false })),
  unlabelled: perplexity,
};
