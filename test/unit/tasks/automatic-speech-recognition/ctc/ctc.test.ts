import { describe, expect, it } from '@jest/globals';
import { jsonValueOf } from '../../../../../src/core/answer.ts';
import { NEVER } from '../../../../../src/core/deadline.ts';
import type { Signature, Tensor, Tensors } from '../../../../../src/core/tensor.ts';
import { createSilence } from '../../../../../src/media/audio/wav.ts';
import { createCtc } from '../../../../../src/tasks/automatic-speech-recognition/ctc/ctc.ts';

const RATE = 16_000;
const PER_OUTPUT = 320;
const KERNEL = 400;

const SETTINGS = {
  kind: 'ctc' as const,
  ...{ tokens: ['<pad>', 'A'], blank: '<pad>', unknown: '<unk>', wordDelimiter: '|', wordDelimiterText: ' ' },
  ...{ lowerCase: false, cleanUpSpaces: false },
  sampleRate: RATE,
  normalize: true,
  padTogether: true,
  convolutions: [{ kernel: KERNEL, stride: PER_OUTPUT }],
};

const INPUT = { name: 'input_values', dtype: 'float32', shape: ['N', 'samples'] } as const;
const MASK = { name: 'attention_mask', dtype: 'int64', shape: ['N', 'samples'] } as const;
const LOGITS = { name: 'logits', dtype: 'float32', shape: ['N', 'outputs', 2] } as const;
const MASKED: Signature = { inputs: [INPUT, MASK], outputs: [LOGITS] };

/** A graph whose output is one long A, at padding too. */
const createGraph = (signature: Signature) => {
  const runs: Tensors[] = [];
  const run = async (feeds: Tensors): Promise<Tensors> => {
    runs.push(feeds);
    const [count = 0, samples = 0] = (feeds.input_values as Tensor).shape;
    const shape = [count, Math.floor((samples - KERNEL) / PER_OUTPUT) + 1, 2];
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => index % 2);
    return { logits: { dtype: 'float32', shape, data } };
  };
  return { runs, graphs: { model: { signature, run } } };
};

const transcribe = async (
  seconds: readonly number[],
  { signature = MASKED, settings = SETTINGS, maxBatch = 32 } = {},
) => {
  const { runs, graphs } = createGraph(signature);
  const task = createCtc(settings, signature);
  const inputs = seconds.map((length) => Buffer.from(createSilence(length, RATE)).toString('base64'));
  const request = task.decode({ inputs, parameters: { return_timestamps: 'char' } });
  const [outcome] = await task.predict(
    [request],
    { graphs, resources: undefined, maxBatch, deadline: NEVER },
    () => {},
  );
  if (outcome?.status !== 'fulfilled') throw outcome?.reason;
  const answers = jsonValueOf(outcome.value) as { chunks: { timestamp: [number, number] }[] }[];
  return {
    ends: answers.map(({ chunks }) => chunks.at(-1)?.timestamp[1]),
    shapes: runs.map((feeds) => feeds.input_values?.shape),
    masks: runs.map((feeds) => feeds.attention_mask?.data as BigInt64Array | undefined),
  };
};

/** Where the last output of so many seconds ends. */
const lastEnd = (seconds: number): number =>
  ((Math.floor((seconds * RATE - KERNEL) / PER_OUTPUT) + 1) * PER_OUTPUT) / RATE;

describe('audio files of different lengths', () => {
  it('run together where the graph takes a mask, and no transcript holds the padding', async () => {
    const { ends, shapes, masks } = await transcribe([2, 0.5, 1]);
    expect(shapes).toEqual([[3, 2 * RATE]]);
    expect(ends).toEqual([2, 0.5, 1].map(lastEnd));
    expect([...(masks[0] as BigInt64Array)].filter((bit) => bit === 1n)).toHaveLength(3.5 * RATE);
  });

  it('run apart where it takes none, or where the model has not learnt what a mask is', async () => {
    const unmasked = await transcribe([1, 0.5, 1], { signature: { inputs: [INPUT], outputs: [LOGITS] } });
    expect(unmasked.shapes).toEqual([
      [1, 0.5 * RATE],
      [2, RATE],
    ]);
    const apart = await transcribe([1, 0.5, 1], { settings: { ...SETTINGS, padTogether: false } });
    expect(apart.shapes).toEqual(unmasked.shapes);
    expect(apart.ends).toEqual([1, 0.5, 1].map(lastEnd));
  });

  it('run at most half a minute, and as many as the model takes, at a time', async () => {
    expect((await transcribe([20, 5, 5, 40])).shapes).toEqual([
      [2, 5 * RATE],
      [1, 20 * RATE],
      [1, 20 * RATE],
      [1, 30 * RATE],
    ]);
    expect((await transcribe([1, 1, 1], { maxBatch: 2 })).shapes).toEqual([
      [2, RATE],
      [1, RATE],
    ]);
    const fixed: Signature = { inputs: [{ ...INPUT, shape: [1, 'samples'] }], outputs: [LOGITS] };
    expect((await transcribe([1, 1], { signature: fixed })).shapes).toEqual([
      [1, RATE],
      [1, RATE],
    ]);
  });
});

describe('a graph that is no CTC model', () => {
  it.each<[string, Signature]>([
    ['takes something else', { inputs: [{ ...INPUT, name: 'input_features' }], outputs: [LOGITS] }],
    ['takes more', { inputs: [INPUT, MASK, { ...INPUT, name: 'more' }], outputs: [LOGITS] }],
    ['takes one length alone', { inputs: [{ ...INPUT, shape: [1, 16_000] }], outputs: [LOGITS] }],
    ['answers one value for each token', { inputs: [INPUT], outputs: [{ ...LOGITS, shape: ['N', 2] }] }],
  ])('%s', (_what, signature) => {
    expect(() => createCtc(SETTINGS, signature)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});
