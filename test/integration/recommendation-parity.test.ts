import { describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { measureRecommendation } from '../support/parity/recommendation.ts';

/** Made by test/reference/recommendation.py with numpy. */
describe('recommendations against numpy', () => {
  it('name the same items in the same order, with the same scores', async () => {
    const rows = await measureRecommendation();
    expect(rows.map(({ model, inputs, worst }) => [model, inputs >= 25, worst])).toEqual([
      ['recommendation-history', true, 'identical'],
      ['recommendation-user', true, 'identical'],
      ['recommendation-basket', true, 'identical'],
      ['recommendation-both', true, 'identical'],
    ]);
    expect(toBars(rows)).toBe(await barsOnPage('recommendation'));
  });
});
