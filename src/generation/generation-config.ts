import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';

const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));
const tokenIds = v.array(tokenId);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A field that may be missing, or null, which means the same. */
const absent = <Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

/** Limits that no real translation or transcript reaches. The memory of a run grows with both. */
export const MAX_BEAMS = 32;
export const MAX_TOKENS = 4_096;

/** The fields of `generation_config.json` that change the output here, by their names in the file. */
const schema = v.looseObject({
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

/** Fields that change the output and are not served, each with its values that change nothing. */
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

/** Rules for choosing tokens. Lengths are numbers of tokens. */
export interface GenerationConfig {
  readonly decoderStartTokenId: number;
  /** Any of them ends a hypothesis; without them it ends at its length limit. */
  readonly eosTokenIds: readonly number[];
  /** Most tokens of a hypothesis with its prompt; `maxNewTokens` overrides it. */
  readonly maxLength?: number;
  readonly maxNewTokens?: number;
  /** Fewest tokens of a hypothesis with its prompt; `minNewTokens` overrides it. */
  readonly minLength: number;
  readonly minNewTokens?: number;
  /** 1 stands for greedy search. */
  readonly numBeams: number;
  /** Exponent of the length by which scores of finished hypotheses are divided: above 0 it favours long ones. */
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

const toList = (ids: number | readonly number[] | null | undefined): readonly number[] =>
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
 * Reads `generation_config.json`, or the `config.json` of an older model, which holds its fields.
 * Fields without effect here (`use_cache`, `temperature` without sampling, …) are ignored.
 * https://huggingface.co/docs/transformers/v4.57.1/main_classes/text_generation
 *
 * @throws `MODEL_INVALID` for a field that is wrong, or that changes the output and is not served
 */
export const parseGenerationConfig = (json: unknown): GenerationConfig => {
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return refuse(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
  }
  const fields = parsed.output;
  assertServed(fields);
  const start = fields.decoder_start_token_id ?? fields.bos_token_id;
  return {
    decoderStartTokenId: start ?? refuse('"decoder_start_token_id" is missing, which every hypothesis begins with'),
    eosTokenIds: toList(fields.eos_token_id),
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
    forcedEosTokenIds: toList(fields.forced_eos_token_id),
    suppressTokens: fields.suppress_tokens ?? [],
    beginSuppressTokens: fields.begin_suppress_tokens ?? [],
  };
};

/** Default of `max_length` in transformers: its pipelines then allow `DEFAULT_NEW_TOKENS` new tokens. */
const UNSET_MAX_LENGTH = 20;
const DEFAULT_NEW_TOKENS = 256;

/** Most tokens of a hypothesis, its prompt of `promptLength` included. */
export const lengthLimit = ({ maxLength, maxNewTokens }: GenerationConfig, promptLength: number): number => {
  if (maxNewTokens !== undefined) return promptLength + maxNewTokens;
  if (maxLength === undefined || maxLength === UNSET_MAX_LENGTH) return promptLength + DEFAULT_NEW_TOKENS;
  return maxLength;
};

/** Fewest tokens of a hypothesis, its prompt included. */
export const lowerLimit = (
  { minLength, minNewTokens }: { readonly minLength: number; readonly minNewTokens?: number | undefined },
  promptLength: number,
): number => (minNewTokens === undefined ? minLength : promptLength + minNewTokens);
