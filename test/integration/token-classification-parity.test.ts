import { describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { EXACT } from '../support/parity/recorded-outputs.ts';
import { compareTokenClassification, tokenClassificationRows } from '../support/parity/token-classification.ts';
import { graphTolerance } from '../support/processors/tolerances.ts';

const models = await compareTokenClassification();

describe('token-classification against the reference', () => {
  it.each(models)('answers with $model as the pipeline of transformers does from its logits', (parity) => {
    expect(parity.texts).toBeGreaterThanOrEqual(25);
    expect(parity.entities).toBeGreaterThan(1_000);
    expect(parity.different).toEqual([]);
    const tolerance = graphTolerance(`${parity.model}/model.onnx`);
    expect(parity.scoreDifference).toBeLessThanOrEqual(EXACT + tolerance); // pieces of long texts are not recorded
    expect(parity.logitDifference).toBeLessThanOrEqual(tolerance);
  });

  it('holds the bars of the page of the task', async () => {
    expect(toBars(tokenClassificationRows(models))).toBe(await barsOnPage('token-classification'));
  });
});
