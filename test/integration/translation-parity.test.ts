import { describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar } from '../support/parity/parity-row.ts';
import { measureTranslation } from '../support/parity/translation.ts';

/** Made by test/reference/translation.py with optimum-onnx and transformers. */
describe('translation against transformers', () => {
  it('generates its tokens, greedily and with beams, alone and in batches, with every setting', async () => {
    const rows = await measureTranslation();
    expect(new Set(rows.map(({ model }) => model))).toEqual(
      new Set(['tiny-marian', 'tiny-t5', 'tiny-m2m100', 'tiny-nllb']),
    );
    expect(rows.filter(({ inputs }) => inputs < 25)).toEqual([]);
    expect(rows.filter(isOverBar)).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('translation'));
  });
});
