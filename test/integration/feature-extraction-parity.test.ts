import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { decodeFloats } from '../support/image-parity.ts';
import { askTexts } from '../support/parity/ask-texts.ts';
import {
  type FeatureExtractionParity,
  featureExtractionRows,
  largestDifference,
  measureModels,
  vectorTolerance,
} from '../support/parity/feature-extraction.ts';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { createTestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

/** Made by test/reference/feature_extraction.py with optimum-onnx and the pooling of sentence-transformers. */
describe('feature extraction against the reference', () => {
  let rows: FeatureExtractionParity[];

  beforeAll(async () => {
    rows = await measureModels();
  });

  it('covers BERT, RoBERTa and a graph that pools itself, with at least 25 texts each', () => {
    expect(rows.map(({ model }) => model)).toEqual([
      'tiny-bert-sentences',
      'tiny-roberta-sentences',
      'tiny-bert-dense',
    ]);
    expect(rows.filter(({ inputs }) => inputs < 25)).toEqual([]);
  });

  it('gives the same vectors, by every pooling, several poolings one after the other, and none', () => {
    for (const { model, differences } of rows)
      for (const [pooling, difference] of Object.entries(differences))
        expect([pooling, difference <= vectorTolerance(model)]).toEqual([pooling, true]);
    expect(Object.keys(rows[0]?.differences ?? {})).toHaveLength(8);
  });

  it('cuts the same texts, and says of each that it did', () => {
    expect(rows.filter(({ otherCut }) => otherCut.length > 0)).toEqual([]);
  });

  it('holds the bars of the page of the task', async () => {
    expect(toBars(featureExtractionRows(rows))).toBe(await barsOnPage('feature-extraction'));
  });
});

/**
 * A real model is too large to be kept here. `python test/reference/feature_extraction.py <folder> <target>` exports one, and writes
 * beside it what sentence-transformers makes of the texts; then SENTENCE_MODEL=<target>.
 */
const { SENTENCE_MODEL: folder = '' } = process.env;

if (folder !== '')
  describe('a real sentence-transformers model (SENTENCE_MODEL names its folder)', () => {
    it('gives the vectors of sentence-transformers to 1e-4', async () => {
      const { texts, vectors } = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8')) as {
        texts: string[];
        vectors: string;
      };
      const serving = await createTestServing();
      await pushModel(serving.repository, folder, { name: 'real' });
      const { answers } = await askTexts<number[]>(serving, 'real', texts, {});
      await serving.remove();
      const difference = largestDifference(answers, decodeFloats(vectors));
      console.info(`${texts.length} texts, largest difference ${difference.toExponential(1)}`);
      expect(difference).toBeLessThanOrEqual(1e-4);
    });
  });
