import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ServerType, serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { isObject } from '../../src/core/is-object.ts';
import { createRoutes } from '../../src/http/application.ts';
import { STATUSES } from '../../src/jobs/job-document.ts';
import { type DescribedModel, describeModel } from '../../src/openapi/described-model.ts';
import { createDocument } from '../../src/openapi/document.ts';
import { JOB } from '../../src/openapi/job-paths.ts';
import { CHAT_FIELDS } from '../../src/protocol/openai/chat-completion.ts';
import { TEXT_FIELDS } from '../../src/protocol/openai/text-completion.ts';
import { isTaskName } from '../../src/tasks/index.ts';
import { createTestServing, publishModel, pushNamed, type TestServing } from '../support/serving.ts';

/** A model of each task. */
const MODELS = [
  ...['iris', 'sentiment', 'retail-recommender', 'efficientnet-lite0'],
  ...[
    'tiny-detr',
    'tiny-bert-ner',
    'tiny-bert-sentences',
    'tiny-marian',
    'tiny-bart',
    'tiny-wav2vec2',
    'tiny-whisper',
    'tiny-gpt2',
  ],
  ...['tabular-ridge', 'tabular-mixed'],
];

let serving: TestServing;
let models: DescribedModel[];
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of MODELS) await pushNamed(serving.repository, name);
  await publishModel(serving.repository, 'every', 'test/fixtures/models/every-dtype.onnx');
  const described = await Promise.all([...MODELS, 'every'].map((name) => describeModel(serving.repository, name)));
  models = described.filter((model) => model !== undefined);
});
afterAll(() => serving.remove());

const STREAMS = 'https://abc.lambda-url.us-east-1.on.aws/';

const textOf = (auth = 'key', described = models): string =>
  JSON.stringify(createDocument(described, auth, auth === 'key' ? STREAMS : ''));

/** Enough for what the document says of callers, which no model changes. */
const FEW = ['iris', 'tiny-gpt2'];

describe('the document of the API', () => {
  it('describes a model of each task', () => {
    const tasks = new Set(models.map(({ task }) => task));
    expect([...tasks].filter((task) => !isTaskName(task))).toEqual([]);
    expect(tasks.size).toBe(13);
  });

  it.each([
    ['key', [...MODELS, 'every']],
    ['jwt', FEW],
    ['key_or_jwt', FEW],
    ['aws_iam', FEW],
    ['none', FEW],
  ])('has nothing that the linter of Redocly finds, with auth=%s', async (auth, names) => {
    const config = await createConfig({
      extends: ['recommended-strict'],
      // Paths of single models lie beside those of any model. `auth=none` is no oversight.
      rules: { 'no-ambiguous-paths': 'off' },
    });
    const described = models.filter(({ name }) => names.includes(name));
    const problems = await lintFromString({ source: textOf(auth, described), config });
    expect(problems.map(({ ruleId, message, location: [place] }) => [ruleId, message, place?.pointer])).toEqual([]);
  });

  it('says of each list what it holds: openapi-python-client and Spectral refuse others', () => {
    const lists: string[] = [];
    JSON.parse(textOf(), (_name, value: unknown) => {
      if (isObject(value) && value.type === 'array') lists.push('items' in value ? 'items' : JSON.stringify(value));
      return value;
    });
    expect(lists.length).toBeGreaterThan(100);
    expect(lists.filter((list) => list !== 'items')).toEqual([]);
  });

  it('says of each object which names it has: generators of types take others as empty', () => {
    const closed: string[] = [];
    let count = 0;
    JSON.parse(textOf(), (_name, value: unknown) => {
      if (!isObject(value) || ![value.type].flat().includes('object')) return value;
      count += 1;
      if (!('properties' in value || 'additionalProperties' in value)) closed.push(JSON.stringify(value));
      return value;
    });
    expect(count).toBeGreaterThan(100);
    expect(closed).toEqual([]);
  });

  it('has a document without models, too', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(createDocument([], 'key')), config });
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('has every route of the application, and no other', () => {
    const expected = createRoutes(serving).flatMap(({ method, paths }) =>
      paths.map((path) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}').replace('}/predict', '}:predict')}`),
    );
    const { paths } = JSON.parse(textOf()) as { readonly paths: Readonly<Record<string, object>> };
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((key) => key !== 'parameters')
        .map((method) => {
          const general = path.replace(
            new RegExp(`^(/(?:v[12]/)?models/)(?:${[...MODELS, 'every'].join('|')})(?=[/:]|$)`),
            '$1{name}',
          );
          return `${method.toUpperCase()} ${general}`;
        }),
    );
    expect([...new Set(documented)].sort()).toEqual(expected.sort());
  });

  it('has the URL of streams where an operation streams', () => {
    const { paths } = JSON.parse(textOf()) as { paths: Record<string, { post?: { servers?: { url: string }[] } }> };
    const streaming = Object.keys(paths).filter((path) => paths[path]?.post?.servers !== undefined);
    const ofModel = '/models/tiny-gpt2';
    expect(streaming.sort()).toEqual(
      [ofModel, `${ofModel}/versions/{version}`, `${ofModel}/aliases/{alias}`]
        .concat(['/v1/chat/completions', '/v1/completions'])
        .sort(),
    );
    const urls = paths[ofModel]?.post?.servers?.map(({ url }) => url);
    expect(urls).toEqual(['/', 'https://abc.lambda-url.us-east-1.on.aws']);
    expect(textOf('none')).not.toContain('"servers":[{"url":"/"},');
  });

  it.each([
    ['/v1/chat/completions', CHAT_FIELDS],
    ['/v1/completions', TEXT_FIELDS],
  ])('has every field that %s takes, and no other', (path, fields) => {
    const { paths } = JSON.parse(textOf()) as {
      paths: Record<string, { post: { requestBody: { content: Record<string, { schema: { properties: object } }> } } }>;
    };
    const { schema } = paths[path]?.post.requestBody.content['application/json'] ?? {};
    expect(Object.keys(schema?.properties ?? {}).sort()).toEqual([...fields].sort());
  });

  it('has every header that pages of other sites may read of an answer', async () => {
    const [, exposed = ''] =
      /ExposeHeaders: &corsExposed\n((?: +- .*\n)+)/.exec(await readFile('serverless.yml', 'utf8')) ?? [];
    const names = [...exposed.matchAll(/- (.+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(10);
    const text = textOf();
    // Headers of answers that no operation has: of other methods, of conditional requests, and of a missing key.
    const ofOthers = ['allow', 'etag', 'www-authenticate'];
    expect(names.filter((name) => !text.includes(`"${name}"`))).toEqual(ofOthers);
  });

  it('has every status of a job', () => {
    expect(JOB).toMatchObject({ properties: { status: { enum: STATUSES } } });
  });

  it('has an example for each model that the model answers', async () => {
    const document = JSON.parse(textOf()) as {
      components: { requestBodies: Record<string, { content: { 'application/json': { example: unknown } } }> };
    };
    for (const name of MODELS) {
      const body = JSON.stringify(
        document.components.requestBodies[`Task.${name}`]?.content['application/json'].example,
      );
      const headers = { 'content-type': 'application/json' };
      const response = await serving.fetch(`/models/${name}`, { method: 'POST', headers, body });
      expect({ name, status: response.status, error: response.ok ? '' : await response.text() }).toEqual({
        name,
        status: 200,
        error: '',
      });
    }
  });

  it('has an example of tensors for each model that the model answers, of one graph where it has several', async () => {
    const document = JSON.parse(textOf()) as {
      paths: Record<string, { post: { requestBody: { content: { 'application/json': { example?: unknown } } } } }>;
    };
    const exampleOf = (name: string): unknown =>
      document.paths[`/v2/models/${name}/infer`]?.post.requestBody.content['application/json'].example;
    const named = models.map(({ name }) => name).filter((name) => exampleOf(name) !== undefined);
    expect(named).toEqual(expect.arrayContaining(['iris', 'tiny-marian', 'tiny-bart', 'tiny-gpt2']));
    for (const name of named) {
      const body = JSON.stringify(exampleOf(name));
      const response = await serving.fetch(`/v2/models/${name}/infer`, { method: 'POST', body });
      expect({ name, error: response.ok ? '' : await response.text() }).toEqual({ name, error: '' });
    }
  });

  it('takes its examples from the recorded inputs of a version', async () => {
    await publishModel(serving.repository, 'recorded', 'test/fixtures/models/add.onnx', {
      warmup: ['models/iris/samples/flowers.json'],
    });
    const recorded = await describeModel(serving.repository, 'recorded');
    expect(recorded?.examples).toEqual({
      'application/json': JSON.parse(await readFile('models/iris/samples/flowers.json', 'utf8')),
    });
  });
});

describe('types that openapi-typescript makes of the document', () => {
  const run = promisify(execFile);
  let directory: string;
  let server: ServerType;
  let endpoint: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'openapi-'));
    await symlink(join(process.cwd(), 'node_modules'), join(directory, 'node_modules'));
    await writeFile(join(directory, 'package.json'), '{"type": "module"}');
    await writeFile(join(directory, 'api.ts'), astToString(await openapiTypescript(textOf('none'))));
    const forward = async (request: Request): Promise<Response> => {
      const { method, headers } = request;
      return serving.fetch(new URL(request.url).pathname, { method, headers, body: await request.text() });
    };
    server = serve({ fetch: (request) => forward(request), hostname: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  /** Compiles programs together, which takes as long as one. Returns what the compiler says of them. */
  const compile = async (programs: Readonly<Record<string, string>>): Promise<string> => {
    for (const [name, text] of Object.entries(programs)) await writeFile(join(directory, name), text);
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext'];
    const flags = [...options, '--allowImportingTsExtensions', '--lib', 'es2022,dom', '--types', 'node'];
    try {
      const words = [join(directory, 'node_modules/typescript/bin/tsc'), ...flags, ...Object.keys(programs)];
      await run(process.execPath, words, { cwd: directory });
      return '';
    } catch (error) {
      return String((error as { stdout?: string }).stdout);
    }
  };

  const program = (body: string, reading: string): string => `import createClient from 'openapi-fetch';
import type { paths } from './api.ts';
const client = createClient<paths>({ baseUrl: '${endpoint}' });
const { data, error } = await client.POST('/models/sentiment', { body: ${body} });
if (error) throw new Error(JSON.stringify(error));
if (!Array.isArray(data)) throw new Error('a job answers later');
console.log(${reading});
`;

  const chat = `import type { paths } from './api.ts';
type Chat = paths['/v1/chat/completions']['post'];
export const request: Chat['requestBody']['content']['application/json'] = {
  model: 'chat',
  messages: [{ role: 'user', content: 'Hello' }],
  tools: [{ type: 'function', function: { name: 'move' } }],
  response_format: { type: 'json_schema', json_schema: { name: 'place', schema: {} } },
};
type Translation = paths['/models/tiny-marian']['post']['requestBody']['content']['application/json'];
export const translation: Translation = { inputs: 'a', parameters: { generate_parameters: { num_beams: 2 } } };
`;

  it('call the models, and do not compile for a wrong type, a wrong word or a wrong field of an answer', async () => {
    const said = await compile({
      'right.ts': program("{ inputs: 'I love this phone.', parameters: { top_k: 1 } }", 'data[0]?.[0]?.label'),
      'type.ts': program("{ inputs: 'a', parameters: { top_k: '1' } }", 'data'),
      'word.ts': program("{ inputs: 'a', parameters: { function_to_apply: 'tanh' } }", 'data'),
      'field.ts': program("{ inputs: 'a' }", 'data[0]?.[0]?.probability'),
      'objects.ts': chat,
    });
    const files = [...said.matchAll(/^(\S+)\(\d+,\d+\): error/gm)].map(([, file]) => file);
    expect(files.sort()).toEqual(['field.ts', 'type.ts', 'word.ts']);
    expect(said).toMatch(/^type\.ts.*Type 'string'/m);
    expect(said).toMatch(/^word\.ts.*tanh/m);
    expect(said).toMatch(/^field\.ts.*probability/m);

    const { stdout } = await run(process.execPath, [join(directory, 'right.ts')]);
    expect(stdout.trim()).toBe('POSITIVE');
  });
});
