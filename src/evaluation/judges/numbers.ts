import * as v from 'valibot';
import { scoreRegression } from '../../metrics/regression.ts';
import { defineJudge } from './judge.ts';

const readNumber = (label: unknown): number | undefined => {
  const number = typeof label === 'string' && label.trim() !== '' ? Number(label) : label;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

const regressionOf = (answer: v.GenericSchema<unknown, number>) =>
  defineJudge({
    labelForm: () => 'a number',
    readLabel: readNumber,
    answer,
    label: (truth, predicted) => ({ truth, predicted }),
    score: scoreRegression,
    agree: (truth, predicted) => ({ truth, predicted }),
    scoreAgreement: scoreRegression,
  });

export const regression = regressionOf(v.number());

/** Texts that get a single score of any size: a text classifier with one label. */
export const rating = regressionOf(
  v.pipe(
    v.tuple([v.object({ score: v.number() })]),
    v.transform(([{ score }]) => score),
  ),
);
