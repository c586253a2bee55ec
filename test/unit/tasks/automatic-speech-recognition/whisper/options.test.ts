import { describe, expect, it } from '@jest/globals';
import {
  readWhisperOptions,
  type WhisperOptions,
} from '../../../../../src/tasks/automatic-speech-recognition/whisper/options.ts';
import { DETECTED } from '../../../../../src/tasks/automatic-speech-recognition/whisper/prompt.ts';
import { parseWhisperConfig } from '../../../../../src/tasks/automatic-speech-recognition/whisper/whisper-config.ts';

const [START, EN, DE, TRANSLATE, TRANSCRIBE, NO_TIMESTAMPS] = [11, 12, 13, 14, 15, 16];

const GENERATION = {
  decoder_start_token_id: START,
  eos_token_id: 10,
  lang_to_id: { '<|en|>': EN, '<|de|>': DE },
  task_to_id: { translate: TRANSLATE, transcribe: TRANSCRIBE },
  no_timestamps_token_id: NO_TIMESTAMPS,
  is_multilingual: true,
};

const ENGLISH_ONLY = {
  decoder_start_token_id: START,
  eos_token_id: 10,
  no_timestamps_token_id: NO_TIMESTAMPS,
  is_multilingual: false,
  forced_decoder_ids: [[1, NO_TIMESTAMPS]],
};

const read = (parameters: Record<string, unknown>, generation: Record<string, unknown> = GENERATION): WhisperOptions =>
  readWhisperOptions(parameters, parseWhisperConfig({ maxTokens: 448, generation }), 30);

describe('the prompt', () => {
  const forced = (ids: readonly unknown[]) => ({ ...GENERATION, forced_decoder_ids: ids });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, readonly unknown[]]>([
    ['detects the language', {}, GENERATION, [START, DETECTED, NO_TIMESTAMPS]],
    [
      'names the language and that it is to be transcribed',
      { language: 'de' },
      GENERATION,
      [START, DE, TRANSCRIBE, NO_TIMESTAMPS],
    ],
    ['takes English names in any case', { language: 'GERMAN' }, GENERATION, [START, DE, TRANSCRIBE, NO_TIMESTAMPS]],
    ['takes tokens', { language: '<|de|>' }, GENERATION, [START, DE, TRANSCRIBE, NO_TIMESTAMPS]],
    ['translates what it detects', { task: 'translate' }, GENERATION, [START, DETECTED, TRANSLATE, NO_TIMESTAMPS]],
    [
      'has no end where timestamps follow',
      { return_timestamps: true, language: 'en' },
      GENERATION,
      [START, EN, TRANSCRIBE],
    ],
    [
      'is the written one, with what is spoken',
      {},
      forced([
        [1, null],
        [2, TRANSCRIBE],
      ]),
      [START, DETECTED, TRANSCRIBE, NO_TIMESTAMPS],
    ],
    [
      'is the written one',
      {},
      forced([
        [1, DE],
        [2, TRANSLATE],
        [3, NO_TIMESTAMPS],
      ]),
      [START, DE, TRANSLATE, NO_TIMESTAMPS],
    ],
    [
      'is the written one without its end for timestamps',
      { return_timestamps: true },
      forced([
        [1, DE],
        [2, TRANSLATE],
        [3, NO_TIMESTAMPS],
      ]),
      [START, DE, TRANSLATE],
    ],
    [
      'passes over the written one when something is asked for',
      { task: 'transcribe' },
      forced([
        [1, DE],
        [2, TRANSLATE],
      ]),
      [START, DETECTED, TRANSCRIBE, NO_TIMESTAMPS],
    ],
    ['passes over a written one that begins late', {}, forced([[2, TRANSLATE]]), [START, DETECTED, NO_TIMESTAMPS]],
    [
      'is as generation_config.json asks',
      {},
      { ...GENERATION, language: 'german', task: 'translate' },
      [START, DE, TRANSLATE, NO_TIMESTAMPS],
    ],
    [
      'goes by the caller before that',
      { language: 'en' },
      { ...GENERATION, language: 'german', task: 'translate' },
      [START, EN, TRANSLATE, NO_TIMESTAMPS],
    ],
    ['of English-only models has no language', {}, ENGLISH_ONLY, [START, NO_TIMESTAMPS]],
    ['of English-only models is the start alone for timestamps', { return_timestamps: true }, ENGLISH_ONLY, [START]],
    [
      'leaves out a language to detect where no languages are known',
      {},
      {
        ...ENGLISH_ONLY,
        forced_decoder_ids: [
          [1, null],
          [2, TRANSCRIBE],
        ],
      },
      [START, TRANSCRIBE, NO_TIMESTAMPS],
    ],
  ])('%s', (_what, parameters, generation, prompt) => {
    expect(read(parameters, generation).prompt).toEqual(prompt);
  });
});

describe('parameters', () => {
  it('are chunks of 30 s that share a sixth with each neighbour, searched as the model says', () => {
    expect(read({}, { ...GENERATION, num_beams: 3 })).toEqual({
      prompt: [START, DETECTED, NO_TIMESTAMPS],
      timestamps: false,
      returnLanguage: false,
      chunk: { length: 30, strideLeft: 5, strideRight: 5 },
      beams: 3,
    });
  });

  it.each([
    [{ chunk_length_s: null }, { length: 30, strideLeft: 5, strideRight: 5 }],
    [{ chunk_length_s: 12 }, { length: 12, strideLeft: 2, strideRight: 2 }],
    [{ chunk_length_s: 1 }, { length: 1, strideLeft: 1 / 6, strideRight: 1 / 6 }],
    [{ stride_length_s: 3 }, { length: 30, strideLeft: 3, strideRight: 3 }],
    [{ stride_length_s: [4, 0] }, { length: 30, strideLeft: 4, strideRight: 0 }],
  ])('%j make chunks %j', (parameters, chunk) => {
    expect(read(parameters).chunk).toEqual(chunk);
  });

  it('take what the caller asks for', () => {
    expect(read({ num_beams: 5, max_new_tokens: 20, return_timestamps: true, return_language: true })).toMatchObject({
      beams: 5,
      maxNewTokens: 20,
      timestamps: true,
      returnLanguage: true,
    });
  });

  it('cannot switch off timestamps that the model always gives', () => {
    expect(read({ return_timestamps: false }, { ...GENERATION, return_timestamps: true }).timestamps).toBe(true);
  });

  const { lang_to_id: _languages, task_to_id: _tasks, no_timestamps_token_id: _id, ...bare } = GENERATION;

  const refused: readonly [Record<string, unknown>, RegExp, Record<string, unknown>?][] = [
    [{ langauge: 'de' }, /"langauge" is unknown, this task takes: return_timestamps, /],
    [{ language: 'xx' }, /"language" is "xx", expected a code or an English name of: en, de/],
    [{ language: 'french' }, /expected a code or an English name of: en, de/],
    [{ language: 'constructor' }, /expected a code/],
    [{ language: 7 }, /"language" is 7/],
    [{ language: ['de'] }, /"language" is \["de"\]/],
    [{ language: 'de' }, /no "lang_to_id"/, bare],
    [{ task: 'summarise' }, /"task" is "summarise", expected translate or transcribe/],
    [{ task: 'translate' }, /no "task_to_id"/, bare],
    [{ language: 'en' }, /transcribes English only/, ENGLISH_ONLY],
    [{ task: 'transcribe' }, /transcribes English only/, ENGLISH_ONLY],
    [{ return_timestamps: 'word' }, /"word".*attention/],
    [{ return_timestamps: 'char' }, /"char", expected true or false/],
    [{ return_timestamps: true }, /no "no_timestamps_token_id"/, bare],
    [{ return_language: 'yes' }, /"return_language"/],
    [{ chunk_length_s: 0 }, /"chunk_length_s" is 0, expected seconds from 1 to 30/],
    [{ chunk_length_s: 31 }, /"chunk_length_s" is 31/],
    [{ chunk_length_s: '10' }, /"chunk_length_s" is "10"/],
    [
      { stride_length_s: 15 },
      /"stride_length_s" is 15, expected seconds, or \[left, right\], that leave 1 s of "chunk_length_s" 30/,
    ],
    [{ stride_length_s: [1, 2, 3] }, /"stride_length_s"/],
    [{ stride_length_s: [1] }, /"stride_length_s"/],
    [{ stride_length_s: -1 }, /"stride_length_s"/],
    [{ stride_length_s: Number.NaN }, /"stride_length_s"/],
    [{ num_beams: 0 }, /"num_beams" is 0, expected an integer from 1 to 32/],
    [{ num_beams: 1e9 }, /"num_beams"/],
    [{ max_new_tokens: 446 }, /"max_new_tokens" is 446, expected an integer from 1 to 445/],
    [{ max_new_tokens: 1.5 }, /"max_new_tokens"/],
  ];

  it.each(refused.map(([parameters, message, generation = GENERATION]) => [parameters, message, generation] as const))(
    '%j are refused',
    (parameters, message, generation) => {
      expect(() => read(parameters, generation)).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(message) }),
      );
    },
  );
});

describe('generation_config.json', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['has no end of text', { eos_token_id: null }, /"eos_token_id" is missing/],
    ['names a language that it has no token for', { language: 'fr' }, /"language" is "fr"/],
    ['names a task that it has no token for', { task: 'sing' }, /"task" is "sing"/],
    [
      'has a written prompt with a gap',
      {
        forced_decoder_ids: [
          [1, DE],
          [3, TRANSLATE],
        ],
      },
      /without a gap/,
    ],
    ['has tokens that are no numbers', { lang_to_id: { '<|de|>': 'x' } }, /lang_to_id/],
    [
      'wants timestamps and has none',
      { return_timestamps: true, no_timestamps_token_id: null },
      /"no_timestamps_token_id" is missing/,
    ],
  ])('is refused when it %s', (_what, fields, message) => {
    expect(() => read({}, { ...GENERATION, ...fields })).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
