import { describe, expect, it } from '@jest/globals';
import { compareTokenClassification } from '../support/parity/token-classification.ts';

const models = await compareTokenClassification();

describe('token-classification, over HTTP', () => {
  it.each(models)('answers with $model as the pipeline of transformers does', (parity) => {
    expect(parity.texts).toBeGreaterThanOrEqual(25);
    expect(parity.entities).toBeGreaterThan(1_000);
    expect(parity.different).toEqual([]);
    expect(parity.scoreDifference).toBeLessThanOrEqual(1e-4);
    expect(parity.logitDifference).toBeLessThanOrEqual(1e-4);
  });
});
