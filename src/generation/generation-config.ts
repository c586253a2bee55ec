import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';

const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));
const tokenIds = v.array(tokenId);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A field that is null says the same as one that is missing. */
const absent = <Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

/** More hypotheses, or longer ones, than any translation or transcript asks for; a run's memory grows with both. */
export const MAX_BEAMS = 32;
export const MAX_TOKENS = 4_096;

/** The fields of `generation_config.json` that are honoured, under the names they have there. */
const schema = v.object({
  decoder_start_token_id: absent(tokenId),
  bos_token_id: absent(tokenId),
  eos_token_id: absent(v.union([tokenId, v.pipe(tokenIds, v.minLength(1))])),
  max_length: absent(v.pipe(count, v.minValue(2), v.maxValue(MAX_TOKENS))),
  max_new_tokens: absent(v.pipe(count, v.minValue(1), v.maxValue(MAX_TOKENS))),
  min_length: absent(count),
  min_new_tokens: absent(count),
  num_beams: absent(v.pipe(count, v.minValue(1), v.maxValue(MAX_BEAMS))),
  length_penalty: absent(v.pipe(v.number(), v.finite())),
  early_stopping: absent(v.union([v.boolean(), v.literal('never')])),
  repetition_penalty: absent(v.pipe(v.number(), v.finite(), v.gtValue(0))),
  no_repeat_ngram_size: absent(count),
  renormalize_logits: absent(v.boolean()),
  bad_words_ids: absent(v.array(v.pipe(tokenIds, v.minLength(1)))),
  forced_bos_token_id: absent(tokenId),
  forced_eos_token_id: absent(v.union([tokenId, tokenIds])),
  suppress_tokens: absent(tokenIds),
  begin_suppress_tokens: absent(tokenIds),
});

/** Fields that change what is generated, and are not served: each with the values that change nothing. */
const NOT_SERVED: Readonly<Record<string, readonly unknown[]>> = {
  do_sample: [false],
  num_beam_groups: [1],
  diversity_penalty: [0],
  penalty_alpha: [0],
  constraints: [],
  force_words_ids: [],
  dola_layers: [],
  guidance_scale: [1],
  sequence_bias: [],
  encoder_repetition_penalty: [1],
  encoder_no_repeat_ngram_size: [0],
  exponential_decay_length_penalty: [],
  remove_invalid_values: [false],
  num_return_sequences: [1],
  stop_strings: [],
  max_time: [],
  watermarking_config: [],
};

/** How tokens are chosen. Lengths count tokens. */
export interface GenerationConfig {
  readonly decoderStartTokenId: number;
  /** A hypothesis ends with any of them; none: only by its length. */
  readonly eosTokenIds: readonly number[];
  /** Bound of a hypothesis with its prompt; `maxNewTokens` goes before it. */
  readonly maxLength?: number;
  readonly maxNewTokens?: number;
  /** A hypothesis with its prompt is no shorter; `minNewTokens` goes before it. */
  readonly minLength: number;
  readonly minNewTokens?: number;
  /** 1: greedy. */
  readonly numBeams: number;
  /** Scores of finished hypotheses are divided by length to this power: above 0 prefers long ones. */
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | 'never';
  readonly repetitionPenalty: number;
  readonly noRepeatNgramSize: number;
  readonly renormalizeLogits: boolean;
  readonly badWordsIds: readonly (readonly number[])[];
  readonly forcedBosTokenId?: number;
  readonly forcedEosTokenIds: readonly number[];
  readonly suppressTokens: readonly number[];
  readonly beginSuppressTokens: readonly number[];
}

const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', `generation_config.json: ${problem}`);
};

const asList = (ids: number | readonly number[] | null | undefined): readonly number[] =>
  typeof ids === 'number' ? [ids] : (ids ?? []);

const assertServed = (fields: Readonly<Record<string, unknown>>): void => {
  for (const [name, harmless] of Object.entries(NOT_SERVED)) {
    const value = fields[name] ?? undefined;
    if (value !== undefined && !harmless.includes(value))
      refuse(
        `"${name}" is ${show(value)}, which is not served: answers come from greedy or beam search; remove the field and push again`,
      );
  }
};

/**
 * Reads `generation_config.json`, or a `config.json` that holds its fields, as older models have it.
 * Fields that stand for nothing here (`use_cache`, `temperature` without sampling, …) are passed over.
 * https://huggingface.co/docs/transformers/v4.57.1/main_classes/text_generation
 *
 * @throws `MODEL_INVALID` for a field that is wrong, or changes the answer and is not served
 */
export const parseGenerationConfig = (json: unknown): GenerationConfig => {
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return refuse(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
  }
  assertServed(json as Readonly<Record<string, unknown>>);
  const fields = parsed.output;
  const start = fields.decoder_start_token_id ?? fields.bos_token_id;
  return {
    decoderStartTokenId: start ?? refuse('"decoder_start_token_id" is missing, which every hypothesis begins with'),
    eosTokenIds: asList(fields.eos_token_id),
    ...(fields.max_length != null && { maxLength: fields.max_length }),
    ...(fields.max_new_tokens != null && { maxNewTokens: fields.max_new_tokens }),
    minLength: fields.min_length ?? 0,
    ...(fields.min_new_tokens != null && { minNewTokens: fields.min_new_tokens }),
    numBeams: fields.num_beams ?? 1,
    lengthPenalty: fields.length_penalty ?? 1,
    earlyStopping: fields.early_stopping ?? false,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    noRepeatNgramSize: fields.no_repeat_ngram_size ?? 0,
    renormalizeLogits: fields.renormalize_logits ?? false,
    badWordsIds: fields.bad_words_ids ?? [],
    ...(fields.forced_bos_token_id != null && { forcedBosTokenId: fields.forced_bos_token_id }),
    forcedEosTokenIds: asList(fields.forced_eos_token_id),
    suppressTokens: fields.suppress_tokens ?? [],
    beginSuppressTokens: fields.begin_suppress_tokens ?? [],
  };
};

/** What transformers' `max_length` is when nobody has set it: its pipelines then allow this many new tokens. */
const UNSET_MAX_LENGTH = 20;
const DEFAULT_NEW_TOKENS = 256;

/** The most tokens that a hypothesis may have, its prompt of `promptLength` included. */
export const lengthLimit = ({ maxLength, maxNewTokens }: GenerationConfig, promptLength: number): number => {
  if (maxNewTokens !== undefined) return promptLength + maxNewTokens;
  if (maxLength === undefined || maxLength === UNSET_MAX_LENGTH) return promptLength + DEFAULT_NEW_TOKENS;
  return maxLength;
};

/** The least, likewise. */
export const lowerLimit = ({ minLength, minNewTokens }: GenerationConfig, promptLength: number): number =>
  minNewTokens === undefined ? minLength : promptLength + minNewTokens;
