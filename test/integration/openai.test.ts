import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NEVER } from '../../src/core/deadline.ts';
import { createApplication } from '../../src/http/application.ts';
import { authoriseByScopes } from '../../src/http/authorise.ts';
import { toFetch } from '../../src/http/fetch.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;
const SENTENCES = 'tiny-bert-sentences';

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of [SENTENCES, 'tiny-wav2vec2', 'tiny-whisper', 'tiny-bert-sentiment', 'iris'])
    await pushNamed(serving.repository, name);
  await changeRouting(serving.repository, SENTENCES, { by: 'a test', action: 'alias' }, (current) => {
    if (current === undefined) throw new Error('there is no routing');
    return { ...current, aliases: { live: 1 } };
  });
});
afterAll(() => serving.remove());

interface Embeddings {
  readonly data: readonly { readonly embedding: number[] & string; readonly index: number }[];
  readonly usage: unknown;
}

const post = (path: string, document: unknown): Promise<Response> =>
  serving.fetch(path, { method: 'POST', body: JSON.stringify(document) });
const embed = async (document: Record<string, unknown>): Promise<Embeddings> =>
  (await (await post('/v1/embeddings', { model: SENTENCES, ...document })).json()) as Embeddings;

const SPEECH = await readFile('test/fixtures/audio/pcm-16.wav');
const formOf = (fields: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    form.append(name, typeof value === 'string' ? value : new File([value], 'speech.wav', { type: 'video/mp4' }));
  return form;
};
const transcribe = (fields: Record<string, string>, task = 'transcriptions'): Promise<Response> =>
  serving.fetch(`/v1/audio/${task}`, { method: 'POST', body: formOf({ file: SPEECH, ...fields }) });

describe('a base URL that names the model', () => {
  const embedBelow = (base: string, model = SENTENCES) =>
    post(`/models/${base}/v1/embeddings`, { model, input: 'A sentence.' });

  it('answers as the general one does', async () => {
    const expected = await embed({ input: 'A sentence.' });
    expect(await (await embedBelow(SENTENCES)).json()).toEqual(expected);
    expect(await (await embedBelow(SENTENCES, `${SENTENCES}@live`)).json()).toMatchObject({ data: expected.data });
    const form = formOf({ file: SPEECH, model: 'tiny-whisper' });
    const speech = await serving.fetch('/models/tiny-whisper/v1/audio/transcriptions', { method: 'POST', body: form });
    expect(speech.status).toBe(200);
  });

  it.each([undefined, null, 'dummy', 'tgi', 'text-embeddings-inference', `http://127.0.0.1/models/${SENTENCES}`])(
    'answers a body whose model is %s, as clients send it that know the address alone',
    async (model) => {
      const response = await post(`/models/${SENTENCES}/v1/embeddings`, { model, input: 'A sentence.' });
      expect(await response.json()).toEqual(await embed({ input: 'A sentence.' }));
    },
  );

  it('is needed for a body that names an address', async () => {
    const response = await post('/v1/embeddings', { model: 'http://127.0.0.1/models/x', input: 'A sentence.' });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.objectContaining({ message: expect.stringContaining('expected the name of a model') }) },
    ]);
  });

  it('lists the model that it names', async () => {
    expect(await (await serving.fetch(`/models/${SENTENCES}/v1/models`)).json()).toMatchObject({
      object: 'list',
      data: [{ id: SENTENCES }],
    });
    expect(await (await serving.fetch('/models/nobody/v1/models')).json()).toMatchObject({ data: [] });
  });

  it('refuses a body that names another one, and paths that OpenAI has not', async () => {
    const response = await embedBelow('iris');
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: expect.objectContaining({
          message: `"model" is "${SENTENCES}", and the path names the model "iris"`,
        }),
      },
    ]);
    expect((await post(`/models/${SENTENCES}/v1/rerank`, {})).status).toBe(404);
    expect((await post(`/models/${SENTENCES}/v1/embeddings/`, { model: SENTENCES, input: 'a' })).status).toBe(200);
    expect((await serving.fetch(`/models/${SENTENCES}/v1/embeddings`)).status).toBe(405);
  });
});

it.each(['/v1/responses', '/v1/moderations', '/v1/images/generations'])(
  'POST %s names the routes that there are, and no missing model',
  async (path) => {
    const response = await post(path, { model: SENTENCES, input: 'a' });
    const error = { type: 'invalid_request_error', code: 'unknown_url' };
    const message = expect.stringMatching(/^no route .*\/v1\/chat\/completions, .*\/v1\/models\/\{name\}:predict, /);
    expect([response.status, await response.json()]).toEqual([404, { error: { ...error, message, param: null } }]);
  },
);

describe('POST /v1/embeddings', () => {
  it('answers the vectors of the task, with the tokens that were read', async () => {
    const input = ['A sentence.', 'Another one, of more words.'];
    const expected = (await (await post(`/models/${SENTENCES}`, { inputs: input })).json()) as number[][];
    const { data, usage, ...others } = await embed({ input });
    expect(data).toEqual(expected.map((embedding, index) => ({ object: 'embedding', index, embedding })));
    expect(others).toEqual({ object: 'list', model: SENTENCES });
    const [one, other] = await Promise.all(input.map(async (text) => (await embed({ input: text })).usage));
    const sum = (one as { total_tokens: number }).total_tokens + (other as { total_tokens: number }).total_tokens;
    expect(usage).toEqual({ prompt_tokens: sum, total_tokens: sum });
    expect(sum).toBeGreaterThan(8);
  });

  it('writes the same numbers as base64', async () => {
    const [plain] = (await embed({ input: 'a' })).data;
    const [encoded] = (await embed({ input: 'a', encoding_format: 'base64', user: 'me', dimensions: null })).data;
    const bytes = new Uint8Array(Buffer.from(encoded?.embedding ?? '', 'base64'));
    expect([...new Float32Array(bytes.buffer)]).toEqual(plain?.embedding.map(Math.fround));
  });

  it('shortens vectors to length 1', async () => {
    const [whole, short] = [await embed({ input: 'a' }), await embed({ input: 'a', dimensions: 4 })];
    const [first] = whole.data.map(({ embedding }) => embedding.slice(0, 4));
    const [vector] = short.data.map(({ embedding }) => embedding);
    expect(vector).toHaveLength(4);
    expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 6);
    const scale = (vector?.[0] ?? 0) / (first?.[0] ?? 1);
    for (const [index, value] of (vector ?? []).entries()) expect(value).toBeCloseTo((first?.[index] ?? 0) * scale, 6);
  });

  it.each([`${SENTENCES}@live`, `${SENTENCES}/1`])('takes the model %s', async (model) => {
    const response = await post('/v1/embeddings', { model, input: 'a' });
    expect(response.headers.get('x-model-version')).toBe('1');
    expect(await response.json()).toMatchObject({ model });
  });

  it('refuses lists that are nested too deep', async () => {
    const input = '['.repeat(100_000) + ']'.repeat(100_000);
    const body = `{"model": "${SENTENCES}", "input": ${input}}`;
    const response = await serving.fetch('/v1/embeddings', { method: 'POST', body });
    expect({ status: response.status, text: await response.text() }).toEqual({
      status: 400,
      text: expect.stringContaining('nested too deep'),
    });
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['no input', {}, 400, '"input" is undefined'],
    ['an empty list', { input: [] }, 400, '"input" is []'],
    ['token ids', { input: [[1, 2], [3]] }, 400, 'token ids'],
    ['lists of lists of ids', { input: [[[1, 2]]] }, 422, 'inputs[0]'],
    ['an element that is no text', { input: ['a', { b: 1 }] }, 422, 'inputs[1]'],
    ['a text that is too long', { input: 'word '.repeat(2_000) }, 422, 'the model takes'],
    ['too many texts', { input: Array.from({ length: 1_001 }, () => 'a') }, 413, '1001 texts'],
    ['dimensions beyond the vector', { input: 'a', dimensions: 100_000 }, 400, 'at most'],
    ['dimensions of half a number', { input: 'a', dimensions: 1.5 }, 400, '"dimensions" is 1.5'],
    ['an unknown format', { input: 'a', encoding_format: 'hex' }, 400, '"hex"'],
    ['an unknown field', { input: 'a', temperature: 1 }, 400, '"temperature"'],
    ['an unknown model', { input: 'a', model: 'nobody' }, 404, 'nobody'],
    ['an unknown alias', { input: 'a', model: `${SENTENCES}@old` }, 404, 'old'],
    ['what is no version', { input: 'a', model: `${SENTENCES}/x` }, 404, '"x"'],
    ['a name with a path', { input: 'a', model: '../../iris' }, 404, 'version'],
    ['no model', { input: 'a', model: 5 }, 400, '"model" is 5'],
    ['a model of another task', { input: 'a', model: 'iris' }, 400, 'tabular-classification'],
  ])('refuses %s in the form of OpenAI', async (_what, document, status, message) => {
    const response = await post('/v1/embeddings', { model: SENTENCES, ...document });
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect({ status: response.status, ...error }).toEqual({
      ...{ status, type: 'invalid_request_error', param: null },
      code: expect.stringMatching(/^[a-z_]+$/),
      message: expect.stringContaining(message),
    });
    expect(response.headers.get('x-request-id')).toMatch(/^request-/);
  });

  it.each(['', '[1', '[]', '"text"'])('refuses the body %j', async (body) => {
    const response = await serving.fetch('/v1/embeddings', { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request' } });
  });
});

describe('POST /v1/audio', () => {
  const textOf = async (model: string): Promise<string> => {
    const init = { method: 'POST', body: SPEECH, headers: { 'content-type': 'audio/wav' } };
    return ((await (await serving.fetch(`/models/${model}`, init)).json()) as { text: string }).text.trim();
  };

  it.each(['tiny-whisper', 'tiny-wav2vec2'])('answers the text of %s in each format', async (model) => {
    const text = await textOf(model);
    const json = await transcribe({ model });
    expect(await json.json()).toEqual({ text, usage: { type: 'duration', seconds: expect.any(Number) } });
    const plain = await transcribe({ model, response_format: 'text' });
    expect(plain.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await plain.text()).toBe(`${text}\n`);
    const srt = await (await transcribe({ model, response_format: 'srt' })).text();
    expect(srt).toMatch(/^$|^1\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\n/);
    const vtt = await (await transcribe({ model, response_format: 'vtt' })).text();
    expect(vtt).toMatch(/^WEBVTT\n(\n\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}\n|$)/);
  });

  it('tells segments, and words of a CTC model', async () => {
    const response = await transcribe({
      ...{ model: 'tiny-wav2vec2', response_format: 'verbose_json', temperature: '0' },
      'timestamp_granularities[]': 'word',
    });
    const document = (await response.json()) as Record<'segments' | 'words', unknown[]> & { duration: number };
    const seconds = document.duration;
    expect(document).toMatchObject({ task: 'transcribe', language: 'unknown', text: await textOf('tiny-wav2vec2') });
    expect(seconds).toBeGreaterThan(0.1);
    for (const segment of document.segments)
      expect(segment).toMatchObject({ id: expect.any(Number), start: expect.any(Number), end: expect.any(Number) });
    expect(document.words.length).toBeGreaterThanOrEqual(document.segments.length);
  });

  it('translates by Whisper', async () => {
    const response = await transcribe({ model: 'tiny-whisper', response_format: 'verbose_json' }, 'translations');
    expect(await response.json()).toMatchObject({ task: 'translate', text: expect.any(String) });
  });

  it.each<[string, Record<string, string>, string, number, string]>([
    ['a translation by CTC', { model: 'tiny-wav2vec2' }, 'translations', 400, '"task"'],
    [
      'words of Whisper',
      { model: 'tiny-whisper', response_format: 'verbose_json', 'timestamp_granularities[]': 'word' },
      'transcriptions',
      400,
      'words',
    ],
    ['an unknown language', { model: 'tiny-whisper', language: 'elvish' }, 'transcriptions', 400, '"elvish"'],
    ['an unknown format', { model: 'tiny-whisper', response_format: 'docx' }, 'transcriptions', 400, '"docx"'],
    ['a temperature', { model: 'tiny-whisper', temperature: '0.7' }, 'transcriptions', 400, '"temperature"'],
    ['a stream', { model: 'tiny-whisper', stream: 'true' }, 'transcriptions', 400, '"stream"'],
    ['a file as text', { model: 'tiny-whisper', file: 'speech.wav' }, 'transcriptions', 400, '"file"'],
    ['no model', {}, 'transcriptions', 400, '"model"'],
    ['a model of another task', { model: 'iris' }, 'transcriptions', 400, 'tabular-classification'],
  ])('refuses %s', async (_what, fields, task, status, message) => {
    const response = await transcribe(fields, task);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(message) } });
  });

  it.each<[string, RequestInit, number]>([
    ['JSON', { body: '{}', headers: { 'content-type': 'application/json' } }, 415],
    ['a form without a boundary', { body: 'x', headers: { 'content-type': 'multipart/form-data' } }, 400],
    [
      'half of a form',
      { body: '--a\r\nContent-D', headers: { 'content-type': 'multipart/form-data; boundary=a' } },
      400,
    ],
    ['a file that is no audio', { body: formOf({ model: 'tiny-whisper', file: new Uint8Array([1, 2, 3]) }) }, 422],
    ['an empty file', { body: formOf({ model: 'tiny-whisper', file: new Uint8Array() }) }, 422],
  ])('refuses %s', async (_what, init, status) => {
    const response = await serving.fetch('/v1/audio/transcriptions', { method: 'POST', ...init });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('a form with an odd file', () => {
  const part = (name: string, more = '') => `--a\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const refusalOf = async (...parts: readonly string[]): Promise<unknown> => {
    const body = `${parts.join('')}${part('model')}tiny-whisper\r\n--a--\r\n`;
    const headers = { 'content-type': 'multipart/form-data; boundary=a' };
    const response = await serving.fetch('/v1/audio/transcriptions', { method: 'POST', body, headers });
    return [response.status, ((await response.json()) as { error: { message: string } }).error.message];
  };

  it.each<[string, string[], string]>([
    ['without a file name', [`${part('file')}RIFF\r\n`], 'with a file name: curl -F file=@speech.wav'],
    [
      'that came twice',
      ['x', 'y'].map((text) => `${part('file', '; filename="a"')}${text}\r\n`),
      '"file" came 2 times',
    ],
  ])('%s is refused with what to do', async (_what, parts, message) => {
    expect(await refusalOf(...parts)).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('GET /v1/models', () => {
  it('lists models for the clients of KServe and of OpenAI', async () => {
    const body = (await (await serving.fetch('/v1/models')).json()) as { models: string[]; data: unknown[] };
    expect(body).toMatchObject({ object: 'list', models: expect.arrayContaining(['iris', SENTENCES]) });
    expect(body.data).toHaveLength(body.models.length);
    const created = expect.any(Number);
    expect(body.data).toContainEqual({ id: 'iris', object: 'model', created, owned_by: 'onnx-serverless' });
  });

  it.each([SENTENCES, `${SENTENCES}@live`, `${SENTENCES}%2F1`])('describes %s', async (name) => {
    const id = decodeURIComponent(name);
    const response = await serving.fetch(`/v1/models/${name}`);
    expect(await response.json()).toMatchObject({ id, object: 'model', name: id, ready: true });
  });
});

describe('with keys', () => {
  const ask = async (scopes: string[] | undefined, path: string, init: RequestInit = {}): Promise<number> => {
    const application = toFetch(createApplication(serving, { authorise: authoriseByScopes }));
    const identity = scopes && { holder: 'alice', scopes };
    const { status } = await application(new Request(`http://test${path}`, init), {
      ...{ requestId: 'one', deadline: NEVER, identity },
    });
    return status;
  };
  const embedding = (model: string): RequestInit => ({ method: 'POST', body: JSON.stringify({ model, input: 'a' }) });

  it.each<[string, string[] | undefined, string, number]>([
    ['nobody', undefined, SENTENCES, 401],
    ['a holder of the model', [`predict:${SENTENCES}`], SENTENCES, 200],
    ['a holder of the model, for a version', [`predict:${SENTENCES}`], `${SENTENCES}/1`, 200],
    ['a holder of all models', ['predict'], `${SENTENCES}@live`, 200],
    ['a holder of another model', ['predict:iris'], SENTENCES, 403],
    ['a holder of another model, for an alias', ['predict:iris'], `${SENTENCES}@iris`, 403],
    ['a holder of another operation', ['admin'], SENTENCES, 403],
  ])('%s is answered rightly', async (_who, scopes, model, status) => {
    expect(await ask(scopes, '/v1/embeddings', embedding(model))).toBe(status);
    expect(await ask(scopes, `/v1/models/${encodeURIComponent(model)}`)).toBe(status);
    const form = formOf({ file: SPEECH, model });
    const expected = status === 200 ? 400 : status; // of another task
    expect(await ask(scopes, '/v1/audio/transcriptions', { method: 'POST', body: form })).toBe(expected);
  });

  it('lists models for a holder of all of them alone', async () => {
    expect(await ask(['predict'], '/v1/models')).toBe(200);
    expect(await ask(['predict:iris'], '/v1/models')).toBe(403);
  });
});
