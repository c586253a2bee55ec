import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const AUDIO = 'test/fixtures/audio';
const MODELS = ['tiny-wav2vec2', 'tiny-hubert-masked'];

interface Transcript {
  readonly text: string;
  readonly chunks?: readonly { readonly text: string; readonly timestamp: readonly [number, number] }[];
}

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  for (const model of MODELS) await pushNamed(serving.repository, model);
});
afterAll(() => serving.remove());

const send = async (model: string, body: string | Uint8Array<ArrayBuffer>, contentType: string, query = '') => {
  const response = await serving.fetch(`/models/${model}${query}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  });
  return { status: response.status, answer: (await response.json()) as never };
};

const read = async (file: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await readFile(join(AUDIO, file)));
const base64 = async (file: string): Promise<string> => Buffer.from(await read(file)).toString('base64');
const sendFile = async (model: string, file: string, query = ''): Promise<Transcript> =>
  (await send(model, await read(file), 'audio/x-whatever', query)).answer;
const sendJson = async (model: string, inputs: unknown, parameters = {}) =>
  send(model, JSON.stringify({ inputs, parameters }), 'application/json');

describe('a recording', () => {
  it('is answered with its text, and with times in order when asked', async () => {
    const { text, ...others } = await sendFile('tiny-wav2vec2', 'voice.wav');
    expect(text.length).toBeGreaterThan(50);
    expect(others).toEqual({});

    const { text: same, chunks = [] } = await sendFile('tiny-wav2vec2', 'voice.wav', '?return_timestamps=word');
    expect(same).toBe(text);
    expect(chunks.map((chunk) => chunk.text)).toEqual(text.split(' '));
    const times = chunks.flatMap(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(2);
  });

  it('is the same as raw bytes, base64 and a data URL', async () => {
    const raw = await sendFile('tiny-wav2vec2', 'mono.flac');
    const encoded = await base64('mono.flac');
    expect((await sendJson('tiny-wav2vec2', encoded)).answer).toEqual(raw);
    expect((await sendJson('tiny-wav2vec2', `data:audio/flac;base64,${encoded}`)).answer).toEqual(raw);
  });

  it('longer than half a minute is read in windows', async () => {
    const windows = await sendFile('tiny-wav2vec2', 'long-75s.mp3', '?chunk_length_s=30&return_timestamps=word');
    const { text, chunks } = await sendFile('tiny-wav2vec2', 'long-75s.mp3', '?return_timestamps=word');
    expect(text).toBe(windows.text);
    expect(chunks?.at(-1)?.timestamp[1]).toBeGreaterThan(70);
  });
});

describe('a list of recordings', () => {
  const FILES = ['voice.wav', 'mono.ogg', 'pcm-24.wav', 'rate-8000.wav', 'short-25ms.wav', 'pcm-16.wav', 'mono.opus'];

  it.each(MODELS)('is answered in its order as each alone: %s', async (model) => {
    const alone = await Promise.all(FILES.map((file) => sendFile(model, file, '?return_timestamps=char')));
    const inputs = await Promise.all(FILES.map(base64));
    const { answer } = await sendJson(model, inputs, { return_timestamps: 'char' });
    expect(answer).toEqual(alone);
  });

  it('comes as JSON Lines too', async () => {
    const inputs = await Promise.all(FILES.slice(0, 2).map(base64));
    const lines = inputs.map((input) => JSON.stringify(input)).join('\n');
    const { answer } = await send('tiny-wav2vec2', lines, 'application/jsonl');
    expect(answer).toEqual((await sendJson('tiny-wav2vec2', inputs)).answer);
  });

  it('of which one is wrong is refused, naming it', async () => {
    const [good, short] = [await base64('voice.wav'), await base64('one-sample.wav')];
    const { status, answer } = await sendJson('tiny-wav2vec2', [good, Buffer.from('no sound').toString('base64')]);
    expect({ status, answer }).toMatchObject({
      status: 422,
      answer: { error: expect.stringMatching(/^inputs\[1\]: received 8 bytes that are no audio file/) },
    });
    const tooShort = await sendJson('tiny-wav2vec2', [good, good, short]);
    expect(tooShort).toMatchObject({
      status: 422,
      answer: { error: expect.stringMatching(/^inputs\[2\]: .*1 samples/) },
    });
  });
});

describe('a request that is wrong', () => {
  it.each<[string, unknown, object, number, RegExp]>([
    ['an empty list', [], {}, 422, /empty list, expected one audio file/],
    ['too many recordings', new Array(65).fill('AAAA'), {}, 413, /65 audio files, at most 64/],
    ['a number', 5, {}, 400, /"inputs" has to be an audio file as base64/],
    ['a list of numbers', [1, 2], {}, 400, /"inputs\[0\]" has to be an audio file/],
    ['no base64', '???', {}, 400, /no base64/],
    ['a picture', 'data:image/png;base64,AAAA', {}, 415, /content type image\/png is no audio/],
    ['an unknown parameter', 'AAAA', { language: 'en' }, 400, /"language" is unknown.*return_timestamps/],
    ['timestamps of sentences', 'AAAA', { return_timestamps: true }, 400, /takes "word" or "char"/],
    ['windows of nothing', 'AAAA', { chunk_length_s: 0.01 }, 400, /"chunk_length_s" is 0.01, expected 1 to 30/],
    ['windows of an hour', 'AAAA', { chunk_length_s: 3600 }, 400, /expected 1 to 30/],
    ['windows that do not move', 'AAAA', { chunk_length_s: 10, stride_length_s: 5 }, 400, /at least a tenth/],
    ['a stride that is no number', 'AAAA', { chunk_length_s: 10, stride_length_s: [1, 2, 3] }, 400, /\[left, right\]/],
    ['a negative stride', 'AAAA', { chunk_length_s: 10, stride_length_s: -1 }, 400, /expected seconds/],
    ['a stride without windows', 'AAAA', { stride_length_s: 1 }, 400, /needs "chunk_length_s"/],
  ])('is refused: %s', async (_what, inputs, parameters, status, message) => {
    expect(await sendJson('tiny-wav2vec2', inputs, parameters)).toMatchObject({
      status,
      answer: { error: expect.stringMatching(message) },
    });
  });

  it('is refused when its content type says that it is no sound', async () => {
    expect(await send('tiny-wav2vec2', 'hello', 'text/plain')).toMatchObject({ status: 415 });
  });
});

describe('push', () => {
  const withFiles = async (files: Readonly<Record<string, (content: never) => unknown>>) => {
    const folder = await mkdtemp(join(tmpdir(), 'ctc-'));
    await cp('test/fixtures/models/tiny-wav2vec2', folder, { recursive: true });
    for (const [name, change] of Object.entries(files)) {
      const content = change(JSON.parse(await readFile(join(folder, name), 'utf8')) as never);
      if (content === undefined) await rm(join(folder, name));
      else await writeFile(join(folder, name), JSON.stringify(content));
    }
    return pushModel(serving.repository, folder, { name: 'changed' }).finally(() => rm(folder, { recursive: true }));
  };

  it.each<[string, Readonly<Record<string, (content: never) => unknown>>, RegExp]>([
    ['no vocabulary', { 'vocab.json': () => undefined }, /has no vocab.json/],
    ['no preprocessor', { 'preprocessor_config.json': () => undefined }, /has no preprocessor_config.json/],
    [
      'a vocabulary that is too small',
      { 'vocab.json': ({ E, ...rest }: { E: number }) => rest },
      /none of them with the id 5, "vocab_size"/,
    ],
    [
      'a vocabulary that is too large',
      { 'vocab.json': (vocabulary: object) => ({ ...vocabulary, more: 29 }) },
      /do not belong together/,
    ],
    [
      'a graph of another size',
      {
        'config.json': (config: object) => ({ ...config, vocab_size: 28 }),
        'vocab.json': ({ '.': _, ...rest }: { '.': number }) => rest,
      },
      /logits \[1,\d+,29\], expected 28 tokens/,
    ],
    [
      'a model that hears no samples',
      { 'config.json': ({ conv_kernel: _, ...config }: { conv_kernel: unknown }) => config },
      /no "conv_kernel"/,
    ],
    [
      'several languages',
      { 'vocab.json': (vocabulary: object) => ({ eng: vocabulary }) },
      /"target_lang" in tokenizer_config.json/,
    ],
  ])('refuses a folder with %s', async (_what, files, message) => {
    await expect(withFiles(files)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('takes the language that the tokenizer names', async () => {
    await withFiles({
      'vocab.json': (vocabulary: object) => ({ deu: {}, eng: vocabulary }),
      'tokenizer_config.json': (config: object) => ({ ...config, target_lang: 'eng' }),
    });
    expect(await sendFile('changed', 'voice.wav')).toEqual(await sendFile('tiny-wav2vec2', 'voice.wav'));
  });
});
