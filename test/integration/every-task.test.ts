import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deadlineAt } from '../../src/core/deadline.ts';
import { processUploads } from '../../src/jobs/uploads.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { TASKS, type TaskName } from '../../src/tasks/index.ts';
import { runCli } from '../support/command-line.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

interface Case {
  readonly task: TaskName;
  readonly model: string;
  /** An input, as a file of that name would hold it. */
  readonly file: string;
  readonly contentType: string;
  /** What `file` holds; left out, it is a file of the project. */
  readonly content?: string;
  /** Two inputs that are answered differently. */
  readonly list: readonly [unknown, unknown];
  /** Of tensors by name, where 1 is too small for a variable dimension. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

const text = (task: TaskName, model: string, content: string): Case => ({
  ...{ task, model, content, file: 'input.txt', contentType: 'text/plain' },
  list: [content, 'It rains in Zürich, and nobody minds.'],
});

const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64');
const COFFEE = await base64('models/efficientnet-lite0/samples/coffee.jpg');
const CAT = await base64('models/efficientnet-lite0/samples/chelsea.jpg');
const VOICE = await base64('test/fixtures/audio/voice.wav');
const NOISE = await base64('test/fixtures/audio/noise.wav');

const CASES: readonly Case[] = [
  {
    ...{ task: 'image-classification', model: 'efficientnet-lite0' },
    ...{ file: 'models/efficientnet-lite0/samples/coffee.jpg', contentType: 'image/jpeg' },
    list: [COFFEE, CAT],
  },
  {
    ...{ task: 'object-detection', model: 'tiny-yolo' },
    ...{ file: 'test/fixtures/images/photo.avif', contentType: 'image/avif' },
    list: [COFFEE, CAT],
  },
  text('text-classification', 'tiny-bert-sentiment', 'Nothing is as good as this 😀'),
  text('token-classification', 'tiny-bert-ner', 'Ada Lovelace lives in London'),
  text('feature-extraction', 'tiny-bert-sentences', 'A sentence, and another one'),
  {
    ...text('text-generation', 'tiny-llama', 'We live in a small house'),
    shapes: { attention_mask: [1, 2] }, // one token after one in the cache
  },
  text('translation', 'tiny-marian', 'We live in a small house.'),
  text('summarization', 'tiny-bart', 'We live in a small house.'),
  {
    ...{ task: 'automatic-speech-recognition', model: 'tiny-wav2vec2', shapes: { input_values: [1, 4_000] } },
    ...{ file: 'test/fixtures/audio/voice.wav', contentType: 'audio/wav' },
    list: [VOICE, NOISE],
  },
  {
    ...{ task: 'automatic-speech-recognition', model: 'tiny-whisper' },
    shapes: { 'encoder/input_features': [1, 80, 3_000] },
    ...{ file: 'test/fixtures/audio/voice.wav', contentType: 'audio/wav' },
    list: [VOICE, NOISE],
  },
  {
    ...{ task: 'tabular-classification', model: 'iris' },
    ...{ file: 'rows.csv', contentType: 'text/csv', content: '5.1,3.5,1.4,0.2\n6.7,3,5.2,2.3\n' },
    list: [
      [5.1, 3.5, 1.4, 0.2],
      [6.7, 3, 5.2, 2.3],
    ],
  },
  {
    ...{ task: 'tabular-regression', model: 'tabular-ridge' },
    ...{ file: 'rows.jsonl', contentType: 'application/jsonl', content: '[1, 2, 3]\n{"w": 3, "v": 2, "u": 1}\n' },
    list: [[1, 2, 3], { w: 1, v: 2, u: 3 }],
  },
  {
    ...{ task: 'recommendation', model: 'retail-recommender', contentType: 'application/json' },
    ...{ file: 'history.json', content: '{"inputs": {"history": ["85123A", "22423"]}, "parameters": {"top_k": 3}}' },
    list: [{ history: ['85123A', '22423'] }, { history: ['47566'] }],
  },
];

/** Two rows of a matrix may be multiplied otherwise than one. */
const rounded = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (_key, part: unknown) =>
      typeof part === 'number' ? Number(part.toPrecision(4)) : part,
    ),
  );

const zeroOf = (datatype: string): unknown => (datatype === 'BYTES' ? '' : datatype === 'BOOL' ? false : 0);

interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** A request of zeros for what the metadata says; dimensions that may vary are 1. */
const zeros = (inputs: readonly TensorMetadata[], shapes: Case['shapes'] = {}) => ({
  inputs: inputs.map(({ name, datatype, shape: declared }) => {
    const shape = shapes[name] ?? declared.map((size) => Math.max(1, size));
    const length = shape.reduce((product, size) => product * size, 1);
    return { name, datatype, shape, data: Array.from({ length }, () => zeroOf(datatype)) };
  }),
});

it('has a case for every task', () => {
  const tasks = Object.keys(TASKS).filter((task) => task !== 'tensor');
  expect([...new Set(CASES.map(({ task }) => task as string))].sort()).toEqual(tasks.sort());
});

describe.each(CASES)('$task, as $model', ({ task, model, file, contentType, content, list, shapes }) => {
  let root: string;
  let path: string;
  let serving: TestServing;
  let answer: unknown;

  const post = async (body: string | Buffer, type: string): Promise<unknown> => {
    const headers = { 'content-type': type };
    const response = await serving.fetch(`/models/${model}`, { method: 'POST', body, headers });
    const given: unknown = await response.json();
    expect({ status: response.status, given }).toEqual({ status: 200, given: expect.anything() });
    return given;
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'every-task-'));
    serving = await createTestServing({ models: createDirectoryStore(join(root, 'store')) });
    await pushNamed(serving.repository, model);
    path = content === undefined ? file : join(root, file);
    if (content !== undefined) await writeFile(path, content);
    answer = await post(await readFile(path), contentType);
  });
  afterAll(async () => {
    await serving.remove();
    await rm(root, { recursive: true });
  });

  it('is recognised, and answers', async () => {
    expect((await serving.repository.bundle(model, 1)).task).toBe(task);
    expect(answer).toBeTruthy();
  });

  it('answers an upload as it answers HTTP', async () => {
    const key = `uploads/${model}/input${extname(file)}`;
    const body = await readFile(path);
    const etag = await serving.data.write(key, body);
    const upload = { key, etag, sizeBytes: body.byteLength, sequencer: '01', isLastAttempt: false };

    expect(await processUploads(serving, [upload], deadlineAt(Date.now() + 30_000), 'r')).toEqual([{ status: 'done' }]);

    const result = await serving.data.read(`results/${key.slice('uploads/'.length)}.json`);
    expect(JSON.parse(Buffer.from(result.body).toString())).toMatchObject({ status: 'succeeded', result: answer });
  });

  it('answers the command line as it answers HTTP', async () => {
    const { exitCode, json } = await runCli(['predict', model, path, '--json', '--store', join(root, 'store')]);
    expect(exitCode).toBe(0);
    expect(json.result).toEqual(answer);
  });

  it('answers a list in its order, each as it answers it alone', async () => {
    const answers = (await post(JSON.stringify({ inputs: list }), 'application/json')) as unknown[];
    const lines = await post(list.map((input) => JSON.stringify(input)).join('\n'), 'application/jsonl');
    const alone: unknown[] = [];
    for (const input of list) alone.push(await post(JSON.stringify({ inputs: input }), 'application/json'));

    expect(answers).toHaveLength(list.length);
    expect(lines).toEqual(answers);
    expect(alone[0]).not.toEqual(alone[1]);
    // Some tasks answer one input with a list of one.
    for (const [index, single] of alone.entries())
      expect([rounded(single), rounded((single as unknown[])[0])]).toContainEqual(rounded(answers[index]));
  });

  it('takes bare tensors, each of its graphs', async () => {
    const metadata = await (await serving.fetch(`/v2/models/${model}`)).json();
    const { inputs } = metadata as { inputs: TensorMetadata[] };
    const roles = new Set(inputs.map(({ name }) => (name.includes('/') ? name.split('/')[0] : '')));
    for (const role of roles) {
      const own = role === '' ? inputs : inputs.filter(({ name }) => name.startsWith(`${role}/`));
      const response = await serving.fetch(`/v2/models/${model}/infer`, {
        method: 'POST',
        body: JSON.stringify(zeros(own, shapes)),
      });
      const given: unknown = await response.json();
      expect({ status: response.status, given }).toMatchObject({ status: 200, given: { model_name: model } });
    }
  });

  it('names what it was sent when that is none of its inputs', async () => {
    const response = await serving.fetch(`/models/${model}`, {
      method: 'POST',
      body: JSON.stringify({ inputs: { no: 'input' } }),
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(((await response.json()) as { error: string }).error).toMatch(/\S{3,}/);
  });
});
