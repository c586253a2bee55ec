import { describe, expect, it } from '@jest/globals';
import { NEVER } from '../../../src/core/deadline.ts';
import { type Signature, type Tensors, tensor } from '../../../src/core/tensor.ts';
import { createTable } from '../../../src/media/table/table.ts';
import { readHeads } from '../../../src/tasks/tabular-classification/heads.ts';
import { runVariedRows } from '../../../src/tasks/tabular-classification/trial-outcomes.ts';
import { variedRows } from '../../../src/tasks/varied-rows.ts';

const signature: Signature = {
  inputs: [{ name: 'X', dtype: 'float64', shape: ['N', 2] }],
  outputs: [{ name: 'probabilities', dtype: 'float64', shape: ['N', 2] }],
};
const words = { analyzer: 'word', ngram_range: [1, 1], lowercase: true, token_pattern: 'w' } as const;

describe('made-up rows', () => {
  it('of numbers differ, and those of a single text are one', () => {
    const numbers = variedRows(createTable(undefined, signature));
    expect(new Set(numbers.map(String)).size).toBe(256);

    const texts = createTable([{ name: 'text', optional: true, tokens: { text: { ...words, ngram_range: [1, 1] } } }], {
      ...signature,
      inputs: [{ name: 'text', dtype: 'string', shape: ['N', 'T'] }],
    });
    expect(variedRows(texts)).toEqual([['']]);
  });

  it('run a few at a time: a graph of texts is as wide as its vocabulary', async () => {
    const sizes: number[] = [];
    const run = async ({ X }: Tensors): Promise<Tensors> => {
      const [size = 0] = X?.shape ?? [];
      sizes.push(size);
      if (size > 1 && sizes.length === 2) throw new Error('a row of these cannot be answered together with others');
      return { probabilities: tensor('float64', [size, 2], new Float64Array(2 * size).fill(0.5)) };
    };
    const settings = { columns: undefined, classes: ['no', 'yes'] };
    const { heads } = readHeads(signature, settings);
    const model = { graphs: { model: { signature, run } }, resources: undefined, maxBatch: 1, deadline: NEVER };
    const outcomes = await runVariedRows(model, settings, heads);
    expect(outcomes).toHaveLength(256);
    expect(Math.max(...sizes)).toBe(16);
    expect(sizes.filter((size) => size === 1)).toHaveLength(16);
  });
});
