import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PushedModel } from '../../src/authoring/push-model.ts';
import { deadlineAt } from '../../src/core/deadline.ts';
import { readJson } from '../support/image-parity.ts';
import { recording, toWav } from '../support/recording.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const MODEL = 'tiny-whisper';
const SOURCE = `test/fixtures/models/${MODEL}`;

/** A case of the reference with its name: what the Hugging Face pipeline answered. */
interface Case {
  readonly recording: readonly [number, number, number, number];
  readonly languages: readonly string[];
  readonly generation_config?: object;
  readonly answer: { readonly text: string; readonly chunks?: readonly object[] };
}

let serving: TestServing;
let folder: string;
let cases: Readonly<Record<string, Case>>;

beforeAll(async () => {
  serving = await createTestServing();
  folder = await mkdtemp(join(tmpdir(), 'whisper-'));
  await pushNamed(serving.repository, MODEL);
  ({ cases } = (await readJson('test/fixtures/reference/whisper.json')) as { cases: typeof cases });
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const caseOf = (name: string): Case => cases[name] as Case;
const wavOf = (name: string): Buffer<ArrayBuffer> => toWav(recording(caseOf(name).recording));
const post = (body: Uint8Array<ArrayBuffer> | string, query = '', type = 'audio/wav') =>
  serving.fetch(`/models/${MODEL}${query}`, { method: 'POST', body, headers: { 'content-type': type } });
const postJson = (document: unknown) => post(JSON.stringify(document), '', 'application/json');
const answer = async (response: Promise<Response>): Promise<unknown> => {
  const body = (await (await response).json()) as unknown;
  expect([(await response).status, body]).toEqual([200, body]);
  return body;
};
const refusal = async (response: Promise<Response>) => {
  const { error } = (await (await response).json()) as { error: string };
  return { status: (await response).status, error };
};

describe('a recording', () => {
  it('is answered as the reference answers it', async () => {
    expect(await answer(post(wavOf('20 s')))).toEqual(caseOf('20 s').answer);
  });

  it('of more than 30 s has timestamps of the whole, with parameters in the query', async () => {
    const name = '75 s, to English, timestamps';
    const query = '?return_timestamps=true&language=fr&task=translate';
    expect(await answer(post(wavOf(name), query))).toEqual(caseOf(name).answer);
  });

  it('says in which language it was heard', async () => {
    const { text } = caseOf('short').answer;
    expect(caseOf('short').languages).toEqual(['<|pt|>']);
    expect(await answer(post(wavOf('short'), '?return_language=true'))).toEqual({
      text,
      chunks: [{ language: 'portuguese', text }],
    });
  });

  it('may come in base64 with its parameters', async () => {
    const document = { inputs: wavOf('short').toString('base64'), parameters: { return_timestamps: true } };
    expect(await answer(postJson(document))).toEqual(caseOf('short, timestamps').answer);
  });

  it('may have the parameters of its search in an object of their own, as the Hugging Face API nests them', async () => {
    const inputs = wavOf('0.1 s').toString('base64');
    const search = { num_beams: 2, max_new_tokens: 3, do_sample: false };
    const flat = await answer(postJson({ inputs, parameters: search }));
    expect(await answer(postJson({ inputs, parameters: { generation_parameters: search } }))).toEqual(flat);
    const drawn = await refusal(postJson({ inputs, parameters: { generation_parameters: { do_sample: true } } }));
    expect(drawn).toEqual({ status: 400, error: expect.stringContaining('"do_sample" is true') });
  });

  it('may be one of a list, which is answered in its order', async () => {
    const names = ['75 s', '0.1 s', '20 s'];
    const document = { inputs: names.map((name) => wavOf(name).toString('base64')) };
    expect(await answer(postJson(document))).toEqual(names.map((name) => caseOf(name).answer));
  });

  it('that is wrong in a list is named', async () => {
    const empty = toWav(new Float32Array(0)).toString('base64');
    const document = { inputs: [wavOf('0.1 s').toString('base64'), empty] };
    const { status, error } = await refusal(postJson(document));
    expect([status, error]).toEqual([422, expect.stringMatching(/^inputs\[1\]: .*no samples/)]);
  });

  it('cannot have timestamps of words', async () => {
    const { status, error } = await refusal(post(wavOf('0.1 s'), '?return_timestamps=word'));
    expect([status, error]).toEqual([400, expect.stringContaining('attention')]);
  });

  it('for which there is no time is answered by how far it came', async () => {
    const body = wavOf('95.3 s');
    const early = await serving.fetch(`/models/${MODEL}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'audio/wav' },
      deadline: countingDeadline(24 + 12), // the blocks of the audio, then the runs
    });
    expect(early.status).toBe(504);
    expect((await early.json()) as object).toMatchObject({
      error: expect.stringMatching(
        /^0 of 5 windows of up to 30 s were transcribed \(0 tokens\) when the deadline passed after \d+ of/,
      ),
    });
    expect(await answer(post(body))).toEqual(caseOf('95.3 s').answer);
  });
});

/** Passes when it has been looked at so often. */
const countingDeadline = (looks: number) => {
  let left = looks;
  return {
    remainingMs: () => {
      left -= 1;
      return left >= 0 ? 30_000 : deadlineAt(0).remainingMs();
    },
  };
};

describe('a folder', () => {
  const push = async (change: (path: string) => Promise<void>): Promise<PushedModel> => {
    const path = await mkdtemp(join(folder, 'model-'));
    await cp(SOURCE, path, { recursive: true });
    await change(path);
    return pushModel(serving.repository, path, { name: 'changed' });
  };
  const edit = (file: string, fields: object) => async (path: string) => {
    const json = (await readJson(join(path, file))) as object;
    await writeFile(join(path, file), JSON.stringify({ ...json, ...fields }));
  };

  it('is recognised for what it is', async () => {
    expect(await push(async () => {})).toMatchObject({ task: 'automatic-speech-recognition' });
  });

  it('may have its prompt in config.json, where older models have it', async () => {
    const { generation_config: fields, answer: expected } = caseOf('written prompt');
    const { version } = await push(async (path) => {
      await edit('config.json', fields as object)(path);
      await edit('generation_config.json', { forced_decoder_ids: null })(path);
    });
    const body = wavOf('written prompt');
    const headers = { 'content-type': 'audio/wav' };
    expect(
      await answer(serving.fetch(`/models/changed/versions/${version}`, { method: 'POST', body, headers })),
    ).toEqual(expected);
  });

  it.each<[string, (path: string) => Promise<void>, RegExp]>([
    ['has no generation_config.json', (path) => rm(join(path, 'generation_config.json')), /no generation_config\.json/],
    [
      'has no preprocessor_config.json',
      (path) => rm(join(path, 'preprocessor_config.json')),
      /no preprocessor_config\.json/,
    ],
    ['has no tokenizer', (path) => rm(join(path, 'tokenizer.json')), /neither tokenizer\.json nor vocab\.json/],
    ['has no decoder', (path) => rm(join(path, 'decoder_model_merged.onnx')), /decoder_model_merged\.onnx/],
    [
      'has mel bins of another model',
      edit('preprocessor_config.json', { feature_size: 128 }),
      /"num_mel_bins".* is 80, "feature_size".* 128/,
    ],
    [
      'is of another length',
      edit('preprocessor_config.json', { chunk_length: 10 }),
      /"max_source_positions".* is 1500, expected 50 for each of the 10 s/,
    ],
    ['has other frames', edit('preprocessor_config.json', { hop_length: 80 }), /"hop_length".* is 80, expected 160/],
    [
      'has an encoder of other mel bins than all files say',
      async (path) => {
        await edit('preprocessor_config.json', { feature_size: 128 })(path);
        await edit('config.json', { num_mel_bins: 128 })(path);
      },
      /the encoder takes 80 mel bins of 3000 frames, .* says 128/,
    ],
    [
      'has languages of another tokenizer',
      edit('generation_config.json', { lang_to_id: { '<|de|>': 403 } }),
      /<\|de\|> is token 403 in generation_config\.json and 404 in tokenizer\.json/,
    ],
    ['has no end of text', edit('generation_config.json', { eos_token_id: null }), /"eos_token_id" is missing/],
    [
      'has a tokenizer of more tokens than the decoder',
      async (path) => {
        const file = join(path, 'tokenizer.json');
        const json = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: object[] };
        json.added_tokens.push({ ...json.added_tokens.at(-1), id: 5_000, content: '<|more|>' });
        await writeFile(file, JSON.stringify(json));
      },
      /tokenizer\.json has 5001 tokens, the decoder knows 1921/,
    ],
  ])('that %s is refused at push', async (_what, change, message) => {
    await expect(push(change)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  it('whose languages were lost on export is pushed, and push says so', async () => {
    const { notes } = await push(edit('generation_config.json', { lang_to_id: undefined, task_to_id: undefined }));
    expect(notes).toEqual([expect.stringContaining('"lang_to_id"'), expect.stringContaining('"task_to_id"')]);
  });
});
