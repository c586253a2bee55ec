import { beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import type { Graph } from '../../../src/core/graph.ts';
import { type Signature, type Tensor, type Tensors, tensor } from '../../../src/core/tensor.ts';
import { assertMergedDecoder } from '../../../src/generation/decoder.ts';
import { generate, generateSteps } from '../../../src/generation/generate.ts';
import { parseGenerationConfig } from '../../../src/generation/generation-config.ts';

const [START, END] = [0, 1];
const VOCABULARY = 12;

const spec = (name: string, dtype: 'float32' | 'int64' | 'bool', ...shape: (string | number)[]) => ({
  name,
  dtype,
  shape,
});

const signature: Signature = {
  inputs: [
    spec('input_ids', 'int64', 'batch', 'tokens'),
    spec('encoder_hidden_states', 'float32', 'batch', 'source', 1),
    spec('encoder_attention_mask', 'int64', 'batch', 'source'),
    spec('past_key_values.0.decoder.key', 'float32', 'batch', 1, 'past', 1),
    spec('past_key_values.0.encoder.key', 'float32', 'batch', 1, 'source', 1),
    spec('use_cache_branch', 'bool', 1),
  ],
  outputs: [
    spec('logits', 'float32', 'batch', 'tokens', VOCABULARY),
    spec('present.0.decoder.key', 'float32', 'batch', 1, 'past + tokens', 1),
    spec('present.0.encoder.key', 'float32', 'batch', 1, 'source', 1),
  ],
};

const floats = (shape: number[], data: Float32Array): Tensor => ({ dtype: 'float32', shape, data });

/** Some logits for what comes after `ids` of input `input`; the same ones each time. */
const logitsAfter = (input: number, ids: readonly number[]): number[] => {
  let state = ids.reduce((hash, id) => (hash * 31 + id + 7) % 1_000_003, input * 977 + 13);
  return Array.from({ length: VOCABULARY }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return ((state % 1000) / 1000) * 4;
  });
};

let batchSizes: number[];
let feedsOfRuns: Tensors[];
let outputsOfRuns: Tensors[];
let stepsBeforeDeadline: number;

/** A decoder whose caches hold what each row was fed, and which input it is about: a row that is mixed up generates something else. */
const decoder: Graph = {
  signature,
  async run(feeds, outputNames = []) {
    if (batchSizes.length >= stepsBeforeDeadline) throw new ServingError('DEADLINE_EXCEEDED', 'too late');
    const tokens = feeds.input_ids as Tensor<'int64'>;
    const past = feeds['past_key_values.0.decoder.key'] as Tensor<'float32'>;
    const isFirst = feeds.use_cache_branch?.data[0] === 0;
    const source = feeds[isFirst ? 'encoder_hidden_states' : 'past_key_values.0.encoder.key'] as Tensor<'float32'>;
    const [rows = 0, count = 0] = tokens.shape;
    const length = past.shape[2] ?? 0;
    batchSizes.push(rows);
    feedsOfRuns.push(feeds);
    for (const { shape } of Object.values(feeds)) if (shape.length > 1) expect(shape[0]).toBe(rows);
    const fed = Array.from({ length: rows }, (_, row) => [
      ...past.data.subarray(row * length, (row + 1) * length),
      ...Array.from(tokens.data.subarray(row * count, (row + 1) * count), Number),
    ]);
    const logits = fed.flatMap((ids, row) => {
      const input = source.data[row * (source.shape.at(isFirst ? 1 : 2) ?? 0)] ?? Number.NaN;
      return [...new Array<number>((count - 1) * VOCABULARY).fill(0), ...logitsAfter(input, ids)];
    });
    const all: Record<string, Tensor> = {
      logits: floats([rows, count, VOCABULARY], Float32Array.from(logits)),
      'present.0.decoder.key': floats([rows, 1, length + count, 1], Float32Array.from(fed.flat())),
      'present.0.encoder.key': floats(
        [rows, 1, source.shape.at(isFirst ? 1 : 2) ?? 0, 1],
        Float32Array.from(source.data),
      ),
    };
    const outputs = Object.fromEntries(outputNames.map((name) => [name, all[name] as Tensor]));
    outputsOfRuns.push({ ...outputs });
    return outputs;
  },
};

const optionsFor = (inputs: readonly number[], fields: object, prompt: readonly number[] = [START]) => ({
  decoder,
  encoded: {
    hiddenStates: floats([inputs.length, 2, 1], Float32Array.from(inputs.flatMap((input) => [input, input]))),
    attentionMask: tensor('int64', [inputs.length, 2], new BigInt64Array(inputs.length * 2).fill(1n)),
  },
  prompts: inputs.map(() => prompt),
  config: parseGenerationConfig({ decoder_start_token_id: START, eos_token_id: END, max_length: 14, ...fields }),
});

const translate = async (...parameters: Parameters<typeof optionsFor>) => generate(optionsFor(...parameters));

/** The settled tokens of each step for each input. */
const settledTokens = async (
  inputs: readonly number[],
  fields: object,
): Promise<(readonly (readonly number[])[])[]> => {
  const steps = [];
  for await (const { settled } of generateSteps(optionsFor(inputs, fields))) steps.push(settled);
  return steps;
};

/** Greedy search without a cache. */
const greedily = (input: number, limit: number): number[] => {
  const ids = [START];
  while (ids.length < limit) {
    const logits = logitsAfter(input, ids);
    const best = logits.indexOf(Math.max(...logits));
    if (best === END) break;
    ids.push(best);
  }
  return ids.slice(1);
};

const INPUTS = [3, 14, 15, 92, 65, 35, 89, 79];

beforeEach(() => {
  batchSizes = [];
  feedsOfRuns = [];
  outputsOfRuns = [];
  stepsBeforeDeadline = Number.POSITIVE_INFINITY;
});

describe('generation', () => {
  it('follows the likeliest token, each input for itself', async () => {
    const generated = await translate(INPUTS, {});
    expect(generated.map(({ ids }) => ids)).toEqual(INPUTS.map((input) => greedily(input, 14)));
  });

  it.each([2, 3, 5])('finds with %i beams for inputs together what it finds for each alone', async (num_beams) => {
    const together = await translate(INPUTS, { num_beams });
    const alone = [];
    for (const input of INPUTS) alone.push(...(await translate([input], { num_beams })));
    expect(together).toEqual(alone);
  });

  it('finds the best hypothesis there is with beams for all of them', async () => {
    // Every sequence of up to two tokens, and the end.
    const probabilities = (ids: readonly number[]): number[] => {
      const logits = logitsAfter(3, ids);
      const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
      return logits.map((logit) => logit - sum);
    };
    const scored = probabilities([START]).flatMap((first, token) =>
      token === END
        ? [{ ids: [], score: first }]
        : probabilities([START, token]).map((second, next) => ({
            ids: next === END ? [token] : [token, next],
            score: (first + second) / 2,
          })),
    );
    const [best] = scored.sort((a, b) => b.score - a.score);
    const [found] = await translate([3], { num_beams: 16, max_length: 3, early_stopping: 'never' });
    expect(found?.ids).toEqual(best?.ids);
    expect(found?.score).toBeCloseTo(best?.score ?? 0, 5);
  });

  it('drops inputs that are done, and runs the first step once for all beams of an input', async () => {
    await translate(INPUTS, { num_beams: 3 });
    expect(batchSizes.slice(0, 2)).toEqual([INPUTS.length, INPUTS.length * 3]);
    expect(batchSizes.every((rows, step) => step < 2 || rows <= (batchSizes[step - 1] ?? 0))).toBe(true);
    expect(batchSizes.at(-1)).toBeLessThan(INPUTS.length * 3);
  });

  it('computes what the encoder says once, and hands back what a run returned', async () => {
    await translate([3], { min_length: 14 });
    expect(Object.keys(outputsOfRuns[1] ?? {})).toEqual(['logits', 'present.0.decoder.key']);
    expect(feedsOfRuns[2]?.['past_key_values.0.decoder.key']).toBe(outputsOfRuns[1]?.['present.0.decoder.key']);
    expect(feedsOfRuns[2]?.['past_key_values.0.encoder.key']).toBe(outputsOfRuns[0]?.['present.0.encoder.key']);
  });

  it('leaves the keys of the encoder where they are while beams of one input change places', async () => {
    await translate([3, 14], { num_beams: 4, min_length: 14 });
    const encoderKeys = feedsOfRuns.slice(1).map((feeds) => feeds['past_key_values.0.encoder.key']);
    expect(new Set(encoderKeys).size).toBe(1);
  });

  it('leaves the tensors of the encoder as they were', async () => {
    const hiddenStates = floats([2, 1, 1], Float32Array.of(92, 3));
    const config = parseGenerationConfig({ decoder_start_token_id: START, eos_token_id: END, num_beams: 3 });
    await generate({
      decoder,
      encoded: { hiddenStates, attentionMask: { dtype: 'int64', shape: [2, 1], data: BigInt64Array.of(1n, 1n) } },
      prompts: [[START], [START]],
      config,
    });
    expect([...hiddenStates.data]).toEqual([92, 3]);
  });

  it('goes on from a prompt of several tokens, and gives back what comes after it', async () => {
    const [generated] = await translate([3], { max_length: 4 }, [START, 5, 7]);
    const logits = logitsAfter(3, [START, 5, 7]);
    expect(generated?.ids).toEqual([logits.indexOf(Math.max(...logits))]);
  });

  it('ends with any of several tokens', async () => {
    const [first = 0] = greedily(3, 14);
    expect(await translate([3], { eos_token_id: [END, first] })).toEqual([{ ids: [] }]);
  });

  it('says what was done when the time is over', async () => {
    stepsBeforeDeadline = 4;
    await expect(translate(INPUTS, { min_length: 14 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('the deadline passed after 4 of up to 13 tokens'),
    });
  });

  it('refuses logits that are no numbers', async () => {
    const broken: Graph = {
      signature,
      run: async () => ({ logits: floats([1, 1, 2], Float32Array.of(Number.NaN, Number.NaN)) }),
    };
    const encoded = { hiddenStates: floats([1, 1, 1], Float32Array.of(1)) };
    for (const num_beams of [1, 2]) {
      const config = parseGenerationConfig({ decoder_start_token_id: START, num_beams });
      await expect(generate({ decoder: broken, encoded, prompts: [[START]], config })).rejects.toMatchObject({
        code: 'INFERENCE_FAILED',
      });
    }
  });
});

describe('steps of generation', () => {
  it.each([1, 3])('settle tokens that together are the output of each input, with %i beams', async (num_beams) => {
    const steps = await settledTokens(INPUTS, { num_beams });
    const outputs = await translate(INPUTS, { num_beams });
    expect(INPUTS.map((_, input) => steps.flatMap((settled) => settled[input] ?? []))).toEqual(
      outputs.map(({ ids }) => ids),
    );
  });

  it('settle each token of greedy search when it is chosen', async () => {
    const ids = greedily(3, 14);
    const settled = (await settledTokens([3], {})).map(([tokens]) => tokens);
    expect(settled.slice(0, ids.length)).toEqual(ids.map((id) => [id]));
  });

  it('settle the output of beam search in one step, when the search of its input ends', async () => {
    const steps = await settledTokens(INPUTS, { num_beams: 3 });
    const outputs = await translate(INPUTS, { num_beams: 3 });
    INPUTS.forEach((_, input) => {
      const settled = steps.map((step) => step[input] ?? []).filter(({ length }) => length > 0);
      expect(settled).toEqual([outputs[input]?.ids]);
    });
    expect(
      new Set(INPUTS.map((_, input) => steps.findIndex((step) => step[input]?.length !== 0))).size,
    ).toBeGreaterThan(1);
  });

  it('run the decoder no further than the caller asks', async () => {
    for await (const _ of generateSteps(optionsFor(INPUTS, { min_length: 14 }))) if (batchSizes.length === 3) break;
    expect(batchSizes).toHaveLength(3);
  });
});

describe('a decoder', () => {
  it('is taken with its cache and logits float32', () => {
    expect(() => assertMergedDecoder(signature)).not.toThrow();
  });

  it.each([
    ['use_cache_branch', 'optimum-cli export onnx'],
    ['past_key_values.0.decoder.key', 'past_key_values'],
    ['encoder_hidden_states', 'encoder_hidden_states'],
  ])('without the input %s is refused', (missing, naming) => {
    const inputs = signature.inputs.filter(
      ({ name }) => name !== missing && (!missing.startsWith('past') || !name.startsWith('past')),
    );
    expect(() => assertMergedDecoder({ ...signature, inputs })).toThrow(naming);
  });

  it('with logits of half precision is refused', () => {
    const outputs = [{ name: 'logits', dtype: 'float16' as const, shape: ['batch', 'tokens', 9] }];
    expect(() => assertMergedDecoder({ ...signature, outputs })).toThrow('float16[batch,tokens,9]');
  });
});
