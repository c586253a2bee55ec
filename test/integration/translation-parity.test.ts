import { describe, expect, it } from '@jest/globals';
import { isOverBar } from '../support/parity/parity-row.ts';
import { measureTranslation } from '../support/parity/translation.ts';

/** Made by test/reference/translation.py with optimum-onnx and transformers. All inputs: test/long/generation-parity. */
describe('translation against transformers', () => {
  it('generates its tokens for some inputs and settings, greedily and with beams, alone and in batches', async () => {
    const rows = await measureTranslation(9);
    expect(new Set(rows.map(({ model }) => model))).toEqual(
      new Set(['tiny-marian', 'tiny-t5', 'tiny-m2m100', 'tiny-nllb']),
    );
    expect(rows.filter(({ inputs }) => inputs < 3)).toEqual([]);
    expect(rows.filter(isOverBar)).toEqual([]);
  });
});
