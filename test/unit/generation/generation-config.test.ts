import { describe, expect, it } from '@jest/globals';
import { lengthLimit, lowerLimit, parseGenerationConfig } from '../../../src/generation/generation-config.ts';

const parse = (fields: object) => parseGenerationConfig({ decoder_start_token_id: 0, ...fields });

describe('generation_config.json', () => {
  it('is greedy search until the end where it says nothing else', () => {
    expect(parse({ eos_token_id: 2 })).toMatchObject({
      decoderStartTokenId: 0,
      eosTokenIds: [2],
      numBeams: 1,
      lengthPenalty: 1,
      earlyStopping: false,
      repetitionPenalty: 1,
      noRepeatNgramSize: 0,
    });
  });

  it('may name several ends, and leave fields empty', () => {
    const config = parse({
      eos_token_id: [1, 5],
      forced_bos_token_id: null,
      suppress_tokens: null,
      bad_words_ids: null,
    });
    expect(config.eosTokenIds).toEqual([1, 5]);
    expect(config.forcedBosTokenId).toBeUndefined();
    expect(config.badWordsIds).toEqual([]);
  });

  it('begins with the token for the beginning where it has none of its own', () => {
    expect(parseGenerationConfig({ bos_token_id: 7 }).decoderStartTokenId).toBe(7);
  });

  it('passes over fields that change nothing here', () => {
    expect(() => parse({ use_cache: true, temperature: 0.7, do_sample: false, num_beam_groups: 1 })).not.toThrow();
  });

  it.each([
    ['no start', {}, 'decoder_start_token_id'],
    ['sampling', { decoder_start_token_id: 0, do_sample: true }, '"do_sample" is true, which is not served'],
    ['groups of beams', { decoder_start_token_id: 0, num_beam_groups: 2 }, 'num_beam_groups'],
    ['constraints', { decoder_start_token_id: 0, force_words_ids: [[1]] }, 'force_words_ids'],
    ['a token that is no number', { decoder_start_token_id: '0' }, 'decoder_start_token_id'],
    ['a negative token', { decoder_start_token_id: 0, eos_token_id: [-1] }, 'eos_token_id'],
    ['too many beams', { decoder_start_token_id: 0, num_beams: 1000 }, 'num_beams'],
    ['no beam', { decoder_start_token_id: 0, num_beams: 0 }, 'num_beams'],
    ['an unknown early_stopping', { decoder_start_token_id: 0, early_stopping: 'sometimes' }, 'early_stopping'],
    ['a penalty of 0', { decoder_start_token_id: 0, repetition_penalty: 0 }, 'repetition_penalty'],
    ['no object', 'greedy', 'generation_config.json'],
  ])('is refused with %s', (_what, json, naming) => {
    expect(() => parseGenerationConfig(json)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
    expect(() => parseGenerationConfig(json)).toThrow(naming);
  });

  it.each([
    ['256 new tokens where it says nothing', {}, 257],
    ["256 new tokens for transformers' default of 20", { max_length: 20 }, 257],
    ['max_length with the prompt', { max_length: 200 }, 200],
    ['max_new_tokens before max_length', { max_length: 200, max_new_tokens: 7 }, 8],
  ])('allows %s', (_what, fields, limit) => {
    expect(lengthLimit(parse(fields), 1)).toBe(limit);
  });

  it('asks for min_new_tokens before min_length', () => {
    expect(lowerLimit(parse({ min_length: 9 }), 1)).toBe(9);
    expect(lowerLimit(parse({ min_length: 9, min_new_tokens: 4 }), 1)).toBe(5);
  });
});
