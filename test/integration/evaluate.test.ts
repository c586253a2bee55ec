import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTerminal } from '../../cli/output/terminal.ts';
import { answeringVersion } from '../../cli/targets/answering-model.ts';
import type { Send } from '../../cli/targets/send.ts';
import type { LocalServer } from '../../local/local-server.ts';
import { type Evaluation, evaluate as evaluateModels } from '../../src/evaluation/evaluate.ts';
import { openSamples } from '../../src/evaluation/samples/read-samples.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';

const FIXTURES = 'test/fixtures/models';
const IMAGES = 'models/efficientnet-lite0/samples';
const HELD_OUT = 'models/sentiment/held-out.tsv';

let root: string;
let store: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'evaluate-test-'));
  store = join(root, 'store');
  for (const _version of [1, 2]) await runCli(['push', 'models/sentiment', '--store', store]);
  await runCli(['push', `${FIXTURES}/colours`, '--store', store]);
});
afterAll(() => rm(root, { recursive: true }));

const write = async (name: string, text: string): Promise<string> => {
  const path = join(root, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
};

const toLines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');

const evaluate = async (...words: string[]): Promise<Evaluation> => {
  const { exitCode, stdout, json } = await runCli(['evaluate', ...words, '--json']);
  if (exitCode !== 0) throw new Error(stdout);
  return json as unknown as Evaluation;
};

const valuesOf = ({ models: [first] }: Evaluation) =>
  Object.fromEntries(Object.entries(first?.metrics ?? {}).map(([name, { value }]) => [name, value]));

describe('texts without labels', () => {
  /** Made by test/reference/perplexity.py. */
  const reference = readFile('test/fixtures/reference/perplexity.json', 'utf8').then(
    (text) => JSON.parse(text) as { perplexity: number; tokens: number; texts: { text: string; logprobs: number[] }[] },
  );

  it('give the perplexity of a text generator, as Python computes it', async () => {
    const { perplexity, tokens, texts } = await reference;
    const data = await write('texts.jsonl', toLines(texts.map(({ text }) => ({ text }))));
    const { samples, models } = await evaluate(`${FIXTURES}/tiny-llama`, '--data', data);
    expect(samples).toBe(texts.length);
    const { value = 0, low = 0, high = 0 } = models[0]?.metrics.perplexity ?? {};
    expect(Math.abs(value / perplexity - 1)).toBeLessThan(1e-4);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(models[0]?.details).toEqual({ tokens });
    const first = await write('text.jsonl', toLines([{ text: texts[0]?.text }]));
    const { stdout } = await runCli(['evaluate', `${FIXTURES}/tiny-llama`, '--data', first]);
    expect(stdout).toMatch(/^\| perplexity \| [\d.,]+ \|/m);
  });

  it('are refused with their place where the model does not take one', async () => {
    const data = await write('long.jsonl', toLines([{ text: 'Hello' }, { text: 'word '.repeat(9_000) }]));
    const { exitCode, stderr } = await runCli(['evaluate', `${FIXTURES}/tiny-llama`, '--data', data]);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/line 2 of long.jsonl.*takes 4096 in all/)]);
  });
});

describe('real labels', () => {
  it('give the sentiment sample the accuracy of its training script, with the interval', async () => {
    const { right, held_out_sentences, interval_95 } = JSON.parse(
      await readFile('models/sentiment/evaluation.json', 'utf8'),
    );
    const { samples, models } = await evaluate('./models/sentiment', '--data', HELD_OUT);

    expect(samples).toBe(held_out_sentences);
    const { value = 0, low = 0, high = 0 } = models[0]?.metrics.accuracy ?? {};
    expect(value).toBeCloseTo(right / held_out_sentences, 12);
    expect([low, high].map((end) => Number(end.toFixed(4)))).toEqual(interval_95);
    expect(models[0]?.details.confusion).toEqual({
      NEGATIVE: { NEGATIVE: 261, POSITIVE: 35 },
      POSITIVE: { POSITIVE: 245, NEGATIVE: 53 },
    });
  });

  it('give the report that docs/evaluating.md shows', async () => {
    const { stdout } = await runCli(['evaluate', './models/sentiment', '--data', HELD_OUT]);
    expect(await readFile('docs/evaluating.md', 'utf8')).toContain(`\n${stdout}\`\`\``);
  });

  it('in a folder for each label, of images; the report says that three are few', async () => {
    for (const [image, label] of [
      ['coffee', 'espresso'],
      ['rocket', 'missile'],
      ['chelsea', 'tabby'],
    ]) {
      await mkdir(join(root, 'images', `${label}`), { recursive: true });
      await cp(`${IMAGES}/${image}.jpg`, join(root, 'images', `${label}`, 'image.jpg'));
    }
    const { stdout } = await runCli(['evaluate', './models/efficientnet-lite0', '--data', join(root, 'images')]);

    expect(stdout).toContain('3 samples of');
    expect(stdout).toContain('So few samples say little: the intervals are wide.');
    expect(stdout).toMatch(/\| accuracy \| 0\.6667 \| 0\.2077 to 0\.9385 \|/);
    expect(stdout).toMatch(/\| tabby \| 0 \| 0 \| 0 \| 1 \|/);
  });

  it('of rows in a CSV file', async () => {
    const [header, ...rows] = (await readFile('models/iris/samples/flowers.csv', 'utf8')).trim().split('\n');
    const labelled = [`${header},species`, `${rows[0]},setosa`, `${rows[1]},versicolor`].join('\n');
    const data = await write('flowers.csv', labelled);

    expect(valuesOf(await evaluate('./models/iris', '--data', data, '--label', 'species'))).toMatchObject({
      accuracy: 1,
      macroF1: 1,
    });
  });
});

describe('the own answers of a model as labels give the best figures', () => {
  const texts = ['The trees grow slowly.', 'Anna sees Rome and Oslo', 'a b c', 'I am so happy!!'];
  const asText = (text: string) => ({ inputs: text });
  const audio = ['voice', 'tone'].map((name) => ({ file: `${process.cwd()}/test/fixtures/audio/${name}.wav` }));
  const photos = ['chelsea', 'coffee'].map((name) => ({ file: `${process.cwd()}/${IMAGES}/${name}.jpg` }));
  const rows = [40, 75, 110].map((area) => ({ area, rooms: area / 25, floor: 2, side: 'east', heating: 'gas' }));

  /** A label of an answer to `predict`. */
  type ToLabel = (answer: never) => unknown;

  const cases: readonly [string, readonly object[], readonly string[], ToLabel, Readonly<Record<string, number>>][] = [
    [
      'tiny-bert-ner',
      texts.map(asText),
      ['aggregation_strategy=first'],
      (found: { entity_group: string; start: number; end: number }[]) =>
        found.map(({ entity_group: label, start, end }) => ({ label, start, end })),
      { precision: 1, recall: 1, f1: 1 },
    ],
    [
      'tiny-roberta-emotions',
      texts.map(asText),
      [],
      (scores: { label: string; score: number }[]) =>
        scores.filter(({ score }) => score >= 0.5).map(({ label }) => label),
      { exactMatch: 1, microF1: 1, macroF1: 1 },
    ],
    ['tiny-yolo', photos, ['threshold=0.3'], (objects) => objects, { map50: 1, map50To95: 1 }],
    ['tiny-whisper', audio, [], ({ text }: { text: string }) => text, { wer: 0, cer: 0 }],
    [
      'tiny-marian',
      texts.map(asText),
      [],
      ({ translation_text }: { translation_text: string }) => translation_text,
      { bleu: 100, chrf: 100 },
    ],
    [
      'tiny-bart',
      texts.map(asText),
      [],
      ({ summary_text }: { summary_text: string }) => summary_text,
      { rouge1: 1, rougeLsum: 1 },
    ],
    [
      'tiny-gpt2',
      texts.map(asText),
      ['do_sample=false'],
      ({ generated_text }: { generated_text: string }) => generated_text,
      { sameText: 1 },
    ],
    ['tiny-bert-sentences', texts.map(asText), [], (vector) => vector, { cosine: 1, sameNeighbour: 1 }],
    ['tiny-bert-rating', texts.map(asText), [], ([{ score }]: [{ score: number }]) => score, { mae: 0, r2: 1 }],
    [
      'tabular-boosting',
      rows.map((row) => ({ inputs: row })),
      [],
      (value) => value,
      { mae: 0, rmse: 0, r2: 1, residualSumOfSquares: 0 },
    ],
    [
      'recommendation-history',
      [{ inputs: { history: ['item-001'] } }],
      [],
      ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id),
      { 'ndcg@10': 1, 'recall@10': 1 },
    ],
  ];

  it.each(cases)('%s', async (name, inputs, parameters, toLabel, expected) => {
    await runCli(['push', `${FIXTURES}/${name}`, '--store', store]);
    const options = parameters.flatMap((parameter) => ['--parameter', parameter]);
    const labelled: unknown[] = [];
    for (const input of inputs) {
      const isFile = 'file' in input;
      const path = isFile
        ? String(input.file)
        : await write('request.json', JSON.stringify({ inputs: 'inputs' in input ? [input.inputs] : [] }));
      const { json, stdout } = await runCli(['predict', name, path, ...options, '--store', store, '--json']);
      if (json.error !== undefined) throw new Error(stdout);
      const answer = isFile ? json.result : (json.result as unknown[])[0];
      labelled.push({ ...input, labels: toLabel(answer as never) });
    }
    const data = await write(`${name}.jsonl`, toLines(labelled));

    const values = valuesOf(await evaluate(name, '--data', data, '--store', store));
    for (const [figure, value] of Object.entries(expected)) expect(values[figure]).toBeCloseTo(value, 6);
  });
});

describe('two models on the same samples', () => {
  it('differ by nothing when they are the same', async () => {
    const lines = (await readFile(HELD_OUT, 'utf8')).split('\n').slice(0, 60);
    const data = await write('some.tsv', lines.join('\n'));
    const { comparison, agreement } = await evaluate('sentiment', '--compare', '2', '--data', data, '--store', store);

    expect(comparison?.accuracy).toMatchObject({ difference: 0, test: { onlyFirst: 0, onlySecond: 0, exactP: 1 } });
    expect(agreement).toMatchObject({ sameAnswer: { value: 1 }, scoreDistance: { value: 0 } });
  });

  it('are compared by their labels, and the report says which is better', async () => {
    const other = `${FIXTURES}/tiny-bert-sentiment`;
    const words = ['evaluate', './models/sentiment', '--compare', other, '--data', HELD_OUT];
    const { stdout } = await runCli(words);

    expect(stdout).toMatch(/# Evaluation of \.\/models\/sentiment and .*tiny-bert-sentiment/);
    expect(stdout).toMatch(/\| accuracy \| 0\.8519 \| 0\.\d+ \| -0\.\d+ \| -0\.\d+ to -0\.\d+ \| [\d.e-]+ \| worse \|/);
    expect(stdout).toMatch(/\| log loss \|.*\| worse \|/);
  });

  it('without labels are compared by their answers', async () => {
    const data = await write('texts.jsonl', toLines(['good', 'bad', 'what a waste'].map((text) => ({ text }))));
    const { models, comparison, agreement } = await evaluate(
      'sentiment/1',
      '--compare',
      '2',
      '--data',
      data,
      '--store',
      store,
    );

    expect(models.map(({ name, metrics }) => [name, metrics])).toEqual([
      ['sentiment version 1', {}],
      ['sentiment version 2', {}],
    ]);
    expect(comparison).toBeUndefined();
    expect(agreement?.sameAnswer).toMatchObject({ value: 1, high: 1 });
  });

  it('of different tasks are refused', async () => {
    const words = ['evaluate', 'sentiment', '--compare', 'colours', '--data', HELD_OUT, '--store', store];
    expect((await runCli(words)).stderr).toMatch(/task text-classification and colours version 1 image-classification/);
  });
});

describe('a stage', () => {
  const answered = (send: Send) => {
    const repository = createModelRepository(createDirectoryStore(store));
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    const target = { repository, data: repository.store, buckets: undefined, send };
    return answeringVersion(target, { name: 'sentiment' }, createTerminal(streams));
  };
  const refusal = (status: number, code: string) =>
    new Response(JSON.stringify({ error: 'no', code }), { status, headers: { 'x-model-version': '1' } });
  const answer = (count: number) =>
    new Response(JSON.stringify(Array(count).fill([{ label: 'POSITIVE', score: 1 }])), {
      headers: { 'x-model-version': '1' },
    });
  const inputsOf = (body: Uint8Array = Buffer.alloc(0)): unknown[] => JSON.parse(Buffer.from(body).toString()).inputs;

  it('that is busy is asked again', async () => {
    let calls = 0;
    const model = await answered(async (_path, { body }) => {
      calls += 1;
      return calls === 1 ? refusal(503, 'MODEL_UNAVAILABLE') : answer(inputsOf(body).length);
    });

    expect(await model.answer([{ json: 'a' }, { json: 'b' }], {})).toHaveLength(2);
    expect(calls).toBe(2);
  });

  it('whose time ends before a batch is answered gets its samples one by one', async () => {
    const sizes: number[] = [];
    const model = await answered(async (_path, { body }) => {
      const { length } = inputsOf(body);
      sizes.push(length);
      return length > 1 ? refusal(504, 'DEADLINE_EXCEEDED') : answer(length);
    });
    const data = await write('three.jsonl', toLines(['a', 'b', 'c'].map((text) => ({ text, label: 'POSITIVE' }))));
    const { models } = await evaluateModels(await openSamples(data), [model]);

    expect(sizes).toEqual([3, 1, 1, 1]);
    expect(models[0]?.metrics.accuracy?.value).toBe(1);
  });
});

describe('a running server', () => {
  let server: LocalServer;
  let home: string;
  beforeAll(async () => {
    home = join(root, 'home');
    await mkdir(join(home, '.local'), { recursive: true });
    server = await startWithSamples(join(home, '.local'));
  });
  afterAll(() => server.stop());

  it('answers over HTTP as the local engine does', async () => {
    await runCli(['push', 'models/sentiment'], { projectDirectory: home });
    const data = await write('few.tsv', (await readFile(HELD_OUT, 'utf8')).split('\n').slice(0, 60).join('\n'));
    const words = ['evaluate', 'sentiment', '--data', data, '--json'];

    const over = await runCli(words, { projectDirectory: home });
    const local = await runCli([...words, '--store', store]);
    expect(over.exitCode).toBe(0);
    expect(over.json).toEqual(local.json);
  });
});

describe('is refused with the reason:', () => {
  const text = (label: unknown) => toLines([{ text: 'a', label }]);

  it.each([
    ['no samples', '', /^there are no samples$/],
    [
      'no labels',
      toLines([{ text: 'a' }]),
      /have no labels: expected the field label, .* has the fields text: name one/,
    ],
    ['some labels', toLines([{ text: 'a', label: 1 }, { text: 'b' }]), /^line 2 of .* has no label, and other samples/],
    [
      'an unknown label',
      text('GOOD'),
      /^line 1 .* has the label "GOOD", expected one of NEGATIVE, POSITIVE, or its index$/,
    ],
    ['an index beyond the labels', text(2), /^line 1 .* has the label 2, expected one of NEGATIVE/],
    ['a broken line', `${text(1)}{`, /^line 2 of .* is no JSON/],
    ['a missing file', toLines([{ file: 'no.txt', label: 1 }]), /^line 1 of .*: there is no file .*no\.txt$/],
    ['inputs of another task', toLines([{ inputs: [1, 2], label: 1 }]), /^line 1 of .*: inputs/],
  ])('%s', async (_name, lines, message) => {
    const data = await write('refused.jsonl', lines);
    const { exitCode, stderr } = await runCli(['evaluate', 'sentiment', '--data', data, '--store', store]);
    expect({ exitCode, stderr: stderr.trim() }).toEqual({ exitCode: 1, stderr: expect.stringMatching(message) });
  });

  it.each([
    [['sentiment'], 2, /^the samples are missing: name them with --data/],
    [['sentiment', '--data', 'nowhere.csv'], 1, /^there is no file or folder nowhere\.csv/],
    [
      ['sentiment', '--data', HELD_OUT, '--label', 'class'],
      1,
      /^held-out\.tsv has no column "class"; it has text, label/,
    ],
    [['sentiment', '--data', HELD_OUT, '--seed', '1.5'], 2, /^--seed is 1\.5, expected an integer/],
    [['sentiment/7', '--data', HELD_OUT], 1, /^model sentiment has no version 7/],
    [['sentimant', '--data', HELD_OUT], 1, /^no model sentimant.*did you mean sentiment\?/],
    [['./nowhere', '--data', HELD_OUT], 1, /^there is no file or folder \.\/nowhere/],
    [[`${FIXTURES}/add.onnx`, '--data', HELD_OUT], 1, /^the task tensor cannot be evaluated; these can: image-/],
    [
      ['./models/iris', '--compare', '2', '--data', HELD_OUT],
      2,
      /^--compare is 2, a version, but \.\/models\/iris is a path/,
    ],
  ])('%j', async (words, expected, message) => {
    const { exitCode, stderr } = await runCli(['evaluate', ...words, '--store', store]);
    expect({ exitCode, stderr: stderr.trim() }).toEqual({ exitCode: expected, stderr: expect.stringMatching(message) });
  });

  it('a damaged image among others, by its name', async () => {
    await write('damaged/red/b.jpg', 'no image');
    await cp(`${IMAGES}/coffee.jpg`, join(root, 'damaged/red/a.jpg'));
    const { stderr } = await runCli(['evaluate', 'colours', '--data', join(root, 'damaged'), '--store', store]);
    expect(stderr).toMatch(/^red\/b\.jpg: /);
  });
});

it('an interrupted evaluation ends with 130 and leaves no file', async () => {
  const scratch = join(root, 'scratch');
  await mkdir(scratch);
  const line = toLines([{ text: 'a fine film, '.repeat(20), label: 1 }]);
  const data = await write('many.jsonl', line.repeat(100_000));
  const child = spawn(process.execPath, ['cli/main.ts', 'evaluate', './models/sentiment', '--data', data], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // The store is there as soon as the model is being answered from it.
  while (child.exitCode === null && !(await readdir(scratch)).some((name) => name.startsWith('onnx-serverless-')))
    await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill('SIGINT');
  const [exitCode] = await once(child, 'exit');

  expect(exitCode).toBe(130);
  expect((await readdir(scratch)).filter((name) => name !== 'node-compile-cache')).toEqual([]);
});
