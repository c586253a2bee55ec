import { describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar } from '../support/parity/parity-row.ts';
import { measureTextGeneration } from '../support/parity/text-generation.ts';

/** Made by test/reference/text_generation.py with PyTorch, optimum-onnx and transformers. */
describe('text-generation against transformers', () => {
  it('generates its tokens, texts and log-probabilities, for every architecture', async () => {
    const rows = await measureTextGeneration();
    expect(new Set(rows.map(({ model }) => model.replace(/^tiny-/, '')))).toEqual(
      new Set('gpt2 neox opt llama llama-half llama-int4 mistral qwen2 qwen3 gemma2 gemma3 phi3 smollm3'.split(' ')),
    );
    expect(rows.filter(isOverBar)).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('text-generation'));
  });
});
