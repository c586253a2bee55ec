import { beforeAll, describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { EXACT } from '../support/parity/recorded-outputs.ts';
import {
  measureModels,
  type TextClassificationParity,
  textClassificationRows,
} from '../support/parity/text-classification.ts';
import { graphTolerance } from '../support/processors/tolerances.ts';

/** Made by test/reference/text_classification.py with optimum-onnx and the pipeline of `transformers`. */
describe('text classification against the reference', () => {
  let rows: TextClassificationParity[];

  beforeAll(async () => {
    rows = await measureModels();
  });

  it('covers BERT, RoBERTa and XLM-R with at least 25 texts and pairs each', () => {
    expect(rows.map(({ model }) => model)).toEqual([
      'tiny-bert-sentiment',
      'tiny-roberta-emotions',
      'tiny-xlm-roberta-entailment',
      'tiny-bert-rating',
    ]);
    expect(rows.filter(({ inputs }) => inputs < 25)).toEqual([]);
  });

  it('gives the same logits, as far as processors differ', () => {
    const isFar = ({ model, logitDifference }: TextClassificationParity) =>
      !(logitDifference <= graphTolerance(`${model}/model.onnx`));
    expect(rows.filter(isFar)).toEqual([]);
  });

  it('gives the scores of the reference from its logits, by the function of the model or of the caller', () => {
    expect(rows.filter(({ scoreDifference }) => !(scoreDifference <= EXACT))).toEqual([]);
  });

  it('sorts the labels as the reference does', () => {
    expect(rows.filter(({ otherOrder }) => otherOrder.length > 0)).toEqual([]);
  });

  it('cuts the same texts, and says of each that it did', () => {
    expect(rows.filter(({ otherCut }) => otherCut.length > 0)).toEqual([]);
  });

  it('holds the bars of the page of the task', async () => {
    expect(toBars(textClassificationRows(rows))).toBe(await barsOnPage('text-classification'));
  });
});
