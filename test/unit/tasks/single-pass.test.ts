import { beforeEach, describe, expect, it } from '@jest/globals';
import { jsonAnswer } from '../../../src/core/answer.ts';
import { NEVER } from '../../../src/core/deadline.ts';
import { ServingError } from '../../../src/core/errors.ts';
import type { Signature, Tensors } from '../../../src/core/tensor.ts';
import { singlePass } from '../../../src/tasks/single-pass.ts';
import type { TaskModel } from '../../../src/tasks/task.ts';

interface Resources {
  readonly shout: boolean;
}

/** Requests are lists of words; a row is a word, and its tensor holds its letters, padded to the longest word of its batch. */
const task = singlePass<readonly string[], string, Resources>({
  blank: [''],
  decode: ({ inputs }) => [String(inputs)],
  load: async (read) => ({ shout: (await read('shout')).byteLength > 0 }),
  prepare: (words) => {
    const index = words.indexOf('bad');
    if (index >= 0) throw new ServingError('INVALID_INPUT', `inputs[${index}] is bad`);
    return words;
  },
  group: (word) => (word.startsWith('#') ? 'tag' : 'word'),
  length: (word) => word.length,
  collate: (words) => {
    const width = Math.max(...words.map((word) => word.length));
    const data = words.flatMap((word) => [...word.padEnd(width)]);
    return { letters: { dtype: 'string', shape: [words.length, width], data } };
  },
  postprocess: (outputs, words, rows, { shout }) =>
    jsonAnswer(
      outputs.map(({ lengths }, index) => `${shout ? rows[index]?.toUpperCase() : words[index]} ${lengths?.data[0]}`),
    ),
});

const signature = (rows: string | number): Signature => ({
  inputs: [{ name: 'letters', dtype: 'string', shape: [rows, 'width'] }],
  outputs: [{ name: 'lengths', dtype: 'float32', shape: [rows] }],
});

let batches: string[][];

const measure = (words: readonly string[]): Tensors => ({
  lengths: { dtype: 'float32', shape: [words.length], data: Float32Array.from(words, (word) => word.length) },
});

const wordsOf = ({ letters }: Tensors): string[] => {
  const [rows = 0, width = 0] = letters?.shape ?? [];
  const text = [...((letters?.data ?? []) as readonly string[])].join('');
  return Array.from({ length: rows }, (_, row) => text.slice(row * width, (row + 1) * width).trimEnd());
};

const model = (maxBatch: number, rows: string | number = 'rows'): TaskModel<Resources> => ({
  resources: { shout: false },
  maxBatch,
  deadline: NEVER,
  graphs: {
    model: {
      signature: signature(rows),
      run: async (feeds) => {
        const words = wordsOf(feeds);
        batches.push(words);
        if (words.includes('crash')) throw new ServingError('INFERENCE_FAILED', 'the graph failed');
        if (words.includes('late')) throw new ServingError('DEADLINE_EXCEEDED', 'too late');
        return measure(words);
      },
    },
  },
});

const predict = (requests: readonly (readonly string[])[], given: TaskModel<Resources>) =>
  task.predict(requests, given, () => {});
const fulfilled = (value: unknown) => ({ status: 'fulfilled', value: jsonAnswer(value) });
const rejected = (code: string) => ({ status: 'rejected', reason: expect.objectContaining({ code }) });

beforeEach(() => {
  batches = [];
});

describe('rows', () => {
  it('of all requests run together, those of about the same length beside each other, and come back in order', async () => {
    const outcomes = await predict([['four', 'a'], ['seven77'], ['bb', 'seven78', 'fivee']], model(2));

    expect(outcomes).toEqual([
      fulfilled(['four 4', 'a 1']),
      fulfilled(['seven77 7']),
      fulfilled(['bb 2', 'seven78 7', 'fivee 5']),
    ]);
    expect(batches).toEqual([
      ['a', 'bb'],
      ['four', 'fivee'],
      ['seven77', 'seven78'],
    ]);
  });

  it('of different groups never share a run', async () => {
    await predict([['#a', 'b', '#cc']], model(32));
    expect(batches).toEqual([['#a', '#cc'], ['b']]);
  });

  it('run one by one through a graph of fixed size', async () => {
    expect(await predict([['a', 'b']], model(32, 1))).toEqual([fulfilled(['a 1', 'b 1'])]);
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('are refused by a graph for another fixed number of rows', async () => {
    await expect(predict([['a']], model(32, 4))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/always 4 rows at once.*: export it/),
    });
    expect(batches).toEqual([]);
  });

  it('may be none', async () => {
    expect(await predict([[]], model(32))).toEqual([fulfilled([])]);
    expect(batches).toEqual([]);
  });
});

describe('a request that fails', () => {
  it('leaves the others of its batch alone', async () => {
    const outcomes = await predict([['a', 'crash'], ['b']], model(32));
    expect(outcomes).toEqual([rejected('INFERENCE_FAILED'), fulfilled(['b 1'])]);
  });

  it('is not tried again row by row when the time is over', async () => {
    const outcomes = await predict([['a', 'late'], ['b']], model(32));
    expect(outcomes).toEqual([rejected('DEADLINE_EXCEEDED'), rejected('DEADLINE_EXCEEDED')]);
    expect(batches).toHaveLength(1);
  });

  it('says how many were done when the time is over between batches', async () => {
    const [outcome] = await predict([['a', 'late']], model(1));
    expect(outcome).toMatchObject({
      reason: { code: 'DEADLINE_EXCEEDED', message: '1 of 2 parts of the request were done: too late' },
    });
  });

  it('before the run costs none', async () => {
    const outcomes = await predict([['ok', 'bad']], model(32));
    expect(outcomes).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ message: 'inputs[1] is bad' }) },
    ]);
    expect(batches).toEqual([]);
  });
});

it('reads what it needs besides the graph once, and hands it on', async () => {
  const resources = (await task.load?.(async () => new Uint8Array(1))) ?? { shout: false };
  expect(await predict([['a']], { ...model(32), resources })).toEqual([fulfilled(['A 1'])]);
});

it('counts a run as one only when there was one', async () => {
  const laps: string[] = [];
  await task.predict([['late']], model(32), (stage) => laps.push(stage));
  expect(laps).toEqual(['preprocess', 'postprocess']);
});
