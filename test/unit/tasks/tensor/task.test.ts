import { beforeEach, describe, expect, it } from '@jest/globals';
import { NEVER } from '../../../../src/core/deadline.ts';
import type { Graph } from '../../../../src/core/graph.ts';
import type { Signature, Tensors } from '../../../../src/core/tensor.ts';
import { tensorSignature } from '../../../../src/protocol/open-inference/tensor-names.ts';
import { toJsonText } from '../../../../src/protocol/task-api/encode.ts';
import { createTensorTask } from '../../../../src/tasks/tensor/task.ts';

const signature = (input: string, output: string): Signature => ({
  inputs: [{ name: input, dtype: 'float32', shape: ['n'] }],
  outputs: [
    { name: output, dtype: 'float32', shape: ['n'] },
    { name: 'other', dtype: 'float32', shape: ['n'] },
  ],
});

let runs: { role: string; feeds: Tensors; outputNames: readonly string[] | undefined }[];

const graph = (role: string, own: Signature): Graph => ({
  signature: own,
  run: async (feeds, outputNames) => {
    runs.push({ role, feeds, outputNames });
    const data = Float32Array.of(1);
    return Object.fromEntries((outputNames ?? []).map((name) => [name, { dtype: 'float32', shape: [1], data }]));
  },
});

const graphs = {
  encoder: graph('encoder', signature('ids', 'states')),
  decoder: graph('decoder', signature('ids', 'logits')),
};
const task = createTensorTask({ name: 'seq', version: 3, task: 'tensor', settings: {}, graphs });
const model = { graphs, resources: undefined, maxBatch: 1, deadline: NEVER };
const input = (name: string) => ({ name, shape: [1], datatype: 'FP32', data: [5] });
const ask = async (document: unknown) => {
  const [outcome] = await task.predict([task.decode({ inputs: document, parameters: {} })], model, () => {});
  if (outcome?.status !== 'fulfilled') throw outcome?.reason;
  return JSON.parse(toJsonText(outcome.value, { name: 'seq', version: 3 })) as unknown;
};

beforeEach(() => {
  runs = [];
});

describe('a model of several graphs', () => {
  it('names its tensors by graph', () => {
    const { inputs, outputs } = tensorSignature(graphs);
    expect(inputs.map(({ name }) => name)).toEqual(['encoder/ids', 'decoder/ids']);
    expect(outputs.map(({ name }) => name)).toEqual([
      ...['encoder/states', 'encoder/other'],
      ...['decoder/logits', 'decoder/other'],
    ]);
  });

  it('runs the graph that the inputs name, and answers in the same names', async () => {
    expect(await ask({ id: 'x', inputs: [input('decoder/ids')] })).toMatchObject({
      ...{ id: 'x', model_version: '3' },
      outputs: [{ name: 'decoder/logits' }, { name: 'decoder/other' }],
    });
    expect(runs).toMatchObject([{ role: 'decoder', outputNames: ['logits', 'other'] }]);
    expect(Object.keys(runs[0]?.feeds ?? {})).toEqual(['ids']);
  });

  it('computes the outputs that were asked for alone', async () => {
    await ask({ inputs: [input('encoder/ids')], outputs: [{ name: 'encoder/other' }] });
    expect(runs).toMatchObject([{ role: 'encoder', outputNames: ['other'] }]);
  });

  it.each([
    [
      'inputs of two graphs',
      'input "decoder/ids" belongs to another graph',
      { inputs: [input('encoder/ids'), input('decoder/ids')] },
    ],
    ['an input of no graph', 'input "ids" belongs to another graph or none', { inputs: [input('ids')] }],
    [
      'an output of another graph',
      'does not belong to encoder',
      { inputs: [input('encoder/ids')], outputs: [{ name: 'decoder/logits' }] },
    ],
  ])('refuses %s', async (_what, message, document) => {
    await expect(ask(document)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message),
    });
    expect(runs).toEqual([]);
  });
});

it('a model of one graph has the names of its tensors', () => {
  expect(tensorSignature({ model: graph('model', signature('x', 'y')) })).toEqual(signature('x', 'y'));
});
