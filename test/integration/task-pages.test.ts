import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TASKS, type TaskName } from '../../src/tasks/index.ts';
import { anchorsOf, examplesOf, firstColumn, headingsOf, localLinks, parseCurl, sectionOf } from '../support/page.ts';
import { parityBlock } from '../support/parity/page-bars.ts';
import { PARITY_TABLES } from '../support/parity/parity-tables.ts';
import { createTestServing, publishModel, pushNamed, type TestServing } from '../support/serving.ts';

const FOLDER = 'docs/tasks';
const HEADINGS = ['Example', 'Models', 'Input', 'Parameters', 'Answer', 'Limits and refusals', 'Parity'];
const LAST_HEADING = 'Cost and memory';
/** Pages for several tasks. */
const SHARED_PAGES = ['README.md', 'tables.md'];

const tasks = Object.keys(TASKS) as TaskName[];
const files = (await readdir(FOLDER)).sort();
const pages = new Map(
  await Promise.all(files.map(async (file) => [file, await readFile(join(FOLDER, file), 'utf8')] as const)),
);
const pageOf = (task: string): string => pages.get(`${task}.md`) ?? '';

/** Models that take the parameters below `heading`, of every task but `tensor`. */
const PARAMETER_TABLES: readonly (readonly [task: TaskName, heading: string, model: string])[] = [
  ['image-classification', '## Parameters', 'efficientnet-lite0'],
  ['object-detection', '### DETR and similar', 'tiny-detr'],
  ['object-detection', '### YOLO', 'tiny-yolo'],
  ['text-classification', '## Parameters', 'sentiment'],
  ['token-classification', '## Parameters', 'tiny-bert-ner'],
  ['feature-extraction', '## Parameters', 'tiny-bert-sentences'],
  ['translation', '## Parameters', 'tiny-marian'],
  ['summarization', '## Parameters', 'tiny-bart'],
  ['text-generation', '## Parameters', 'tiny-llama'],
  ['automatic-speech-recognition', '### Whisper', 'tiny-whisper'],
  ['automatic-speech-recognition', '### CTC models', 'tiny-wav2vec2'],
  ['tabular-classification', '## Parameters', 'iris'],
  ['tabular-regression', '## Parameters', 'tabular-ridge'],
  ['recommendation', '## Parameters', 'retail-recommender'],
];
const samples = await readdir('models');
const examples = [...pages.values()]
  .flatMap(examplesOf)
  .map(({ command, answer }) => [parseCurl(command), answer] as const)
  .filter(([{ path }]) => samples.includes(/\/models\/([^/?]+)/.exec(path)?.[1] ?? ''));

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const [, , model] of PARAMETER_TABLES) await pushNamed(serving.repository, model);
  await publishModel(serving.repository, 'iris-tensors', 'models/iris/model.onnx');
});
afterAll(() => serving.remove());

const ask = (path: string, body: string | Buffer, contentType = 'application/json'): Promise<Response> =>
  serving.fetch(path, { method: 'POST', body, headers: { 'content-type': contentType } });

const askWith = async (model: string, inputs: unknown, parameters: object): Promise<string> => {
  const response = await ask(`/models/${model}`, JSON.stringify({ inputs, parameters }));
  const { error = '' } = (await response.json()) as { error?: string };
  return error;
};

describe('the pages', () => {
  it('the folder of tasks has a page for each task that is served, and no other', () => {
    expect(files.filter((file) => !SHARED_PAGES.includes(file))).toEqual(tasks.map((task) => `${task}.md`).sort());
  });

  it('the table of tasks lists every page', () => {
    const [, table = ''] = /\n\n(\| task [\s\S]*?)\n\n/.exec(pageOf('README')) ?? [];
    expect(firstColumn(table).sort()).toEqual(tasks.map((task) => `[${task}](${task}.md)`).sort());
  });

  it('the former page of all tasks is gone', async () => {
    await expect(access('docs/tasks.md')).rejects.toThrow('ENOENT');
  });

  it.each(files)('the links of %s resolve', async (file) => {
    for (const link of localLinks(pages.get(file) as string)) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? join(FOLDER, file) : join(FOLDER, path);
      await expect(access(target)).resolves.toBeUndefined();
      if (anchor !== undefined) expect(anchorsOf(await readFile(target, 'utf8'))).toContain(anchor);
    }
  });
});

describe.each(tasks)('%s', (task) => {
  const page = pageOf(task);

  it('a task page begins with the name of the task and one sentence', () => {
    expect(page.replaceAll(/\]\([^)]*\)/g, ']')).toMatch(new RegExp(`^# ${task}\n\n[A-Z][^.\n]*\\.\n\n## Example\n`));
  });

  it('a task page has the headings of every page in their order', () => {
    const headings = headingsOf(page, 2);
    expect(headings.slice(0, HEADINGS.length)).toEqual(HEADINGS);
    expect([[], [LAST_HEADING]]).toContainEqual(headings.slice(HEADINGS.length));
  });

  it('a task page has a row or more in each of its tables of parity', () => {
    const names = [...page.matchAll(/<!-- parity of (.*) -->/g)].map(([, name]) => name);
    expect(names).toEqual(task === 'tensor' ? [] : Object.keys(PARITY_TABLES[task]));
    for (const name of names) {
      const [, , table = ''] = parityBlock(name as string).exec(page) ?? [];
      expect(firstColumn(table).length).toBeGreaterThan(0);
    }
  });
});

describe('the parameters', () => {
  it.each(PARAMETER_TABLES)(
    'the parameters on the page of %s are those that the task accepts: %s',
    async (task, heading, model) => {
      const section = sectionOf(pageOf(task), '## Parameters');
      const documented = firstColumn(heading === '## Parameters' ? section : sectionOf(section, heading));

      const error = await askWith(model, 'any', { 'no-such-parameter': 1 });

      const [, accepted = ''] = /is unknown, this task takes: (.*)$/.exec(error) ?? [];
      expect(accepted.split(', ').sort()).toEqual(documented.length === 0 ? ['none'] : documented.sort());
    },
  );

  it('the parameters of every task are compared', () => {
    expect([...new Set([...PARAMETER_TABLES.map(([task]) => task), 'tensor'])].sort()).toEqual([...tasks].sort());
  });

  it('the parameters on the page of tensor are the fields of a request that the task reads', async () => {
    const documented = firstColumn(sectionOf(pageOf('tensor'), '## Parameters'));
    const inputs = [{ name: 'X', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }];
    const fields = new Set([...documented, 'id', 'outputs', 'parameters', 'model_name', 'model_version', 'raw']);
    const errors: Record<string, string> = {};
    for (const field of fields) errors[field] = await askWith('iris-tensors', inputs, { [field]: 0 });
    const expected = [...fields].map((field) => [
      field,
      expect.stringMatching(documented.includes(field) ? `${field}.* is .*expected` : `"${field}" is unknown`),
    ]);
    expect(errors).toEqual(Object.fromEntries(expected));
  });
});

/** Pages round the numbers of an answer. */
const rounded = (value: unknown): unknown => {
  if (typeof value === 'number') return expect.closeTo(value, 3);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, rounded(field)]));
};

describe('the examples', () => {
  it('the pages of five tasks have an example with a sample model', () => {
    expect(new Set(examples.map(([{ path }]) => path.split('?')[0])).size).toBe(5);
  });

  it.each(examples.map(([request, answer]) => [request.path, request, answer] as const))(
    'an example shows the real answer: %s',
    async (_path, { path, contentType, data, file }, answer) => {
      const response = await ask(path, file === undefined ? (data ?? '') : await readFile(file), contentType);
      expect(await response.json()).toEqual(rounded(JSON.parse(answer)));
    },
  );
});
