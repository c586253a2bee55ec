import { describe, expect, it } from '@jest/globals';
import { isOverBar } from '../support/parity/parity-row.ts';
import { measureTextGeneration } from '../support/parity/text-generation.ts';

/** Made by test/reference/text_generation.py with PyTorch, optimum-onnx and transformers. All prompts: test/long/generation-parity. */
describe('text-generation against transformers', () => {
  it('generates its tokens, texts and log-probabilities, for some prompts of every architecture', async () => {
    const rows = await measureTextGeneration(9);
    expect(new Set(rows.map(({ model }) => model.replace(/^tiny-/, '')))).toEqual(
      new Set('gpt2 neox opt llama llama-half llama-int4 mistral qwen2 qwen3 gemma2 gemma3 phi3 smollm3'.split(' ')),
    );
    expect(rows.filter(({ inputs }) => inputs < 1)).toEqual([]);
    expect(rows.filter(isOverBar)).toEqual([]);
  });
});
