import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';

const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));
const tokenIds = v.array(tokenId);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
/** A field that may be missing, or null, which means the same. */
const absent = <Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

/** The fields of `generation_config.json` that change the answer here, by their names in the file. */
const schema = v.looseObject({
  bos_token_id: absent(v.union([tokenId, tokenIds])),
  eos_token_id: absent(v.union([tokenId, tokenIds])),
  max_length: absent(count),
  max_new_tokens: absent(v.pipe(count, v.minValue(1))),
  min_length: absent(count),
  min_new_tokens: absent(count),
  do_sample: absent(v.boolean()),
  temperature: absent(v.pipe(v.number(), v.finite(), v.minValue(0))),
  top_k: absent(count),
  top_p: absent(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  min_p: absent(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  repetition_penalty: absent(positive),
  no_repeat_ngram_size: absent(count),
  bad_words_ids: absent(v.array(v.pipe(tokenIds, v.minLength(1)))),
  suppress_tokens: absent(tokenIds),
  begin_suppress_tokens: absent(tokenIds),
});

/** Fields that change the answer and are not served, each with its values that change nothing. */
const NOT_SERVED: Readonly<Record<string, readonly unknown[]>> = {
  num_beams: [1],
  num_beam_groups: [1],
  diversity_penalty: [0],
  penalty_alpha: [0],
  typical_p: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  constraints: [],
  force_words_ids: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  dola_layers: [],
  guidance_scale: [1],
  sequence_bias: [],
  exponential_decay_length_penalty: [],
  num_return_sequences: [1],
  watermarking_config: [],
};

/** Rules for the answers of a model, where a request says nothing else. */
export interface GenerationDefaults {
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
  /** Most tokens of an answer. */
  readonly maxNewTokens: number | undefined;
  /** Most tokens of a prompt with its answer; `maxNewTokens` overrides it. */
  readonly maxLength: number | undefined;
  /** Fewest tokens of a prompt with its answer; `minNewTokens` overrides it. */
  readonly minLength: number;
  readonly minNewTokens: number | undefined;
  readonly doSample: boolean;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly noRepeatNgramSize: number;
  readonly badWordsIds: readonly (readonly number[])[];
  readonly suppressTokens: readonly number[];
  readonly beginSuppressTokens: readonly number[];
}

const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', `generation_config.json: ${problem}`);
};

const toList = (ids: number | readonly number[] | null | undefined): readonly number[] =>
  typeof ids === 'number' ? [ids] : (ids ?? []);

/** Default of `max_length` in transformers, which means that the file sets none. */
const UNSET_MAX_LENGTH = 20;

/**
 * Reads `generation_config.json` of a model that continues texts. Fields without effect here (`use_cache`, …) are ignored.
 * https://huggingface.co/docs/transformers/v4.57.1/main_classes/text_generation
 *
 * @throws `MODEL_INVALID` for a field that is wrong, or that changes the answer and is not served
 */
export const parseGenerationDefaults = (json: unknown): GenerationDefaults => {
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return refuse(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
  }
  const fields = parsed.output;
  for (const [name, harmless] of Object.entries(NOT_SERVED)) {
    const value = fields[name] ?? undefined;
    if (value !== undefined && !harmless.includes(value))
      refuse(`"${name}" is ${show(value)}, which is not served for text-generation; remove the field and push again`);
  }
  const { max_length: maxLength } = fields;
  return {
    bosTokenId: toList(fields.bos_token_id)[0],
    eosTokenIds: toList(fields.eos_token_id),
    maxNewTokens: fields.max_new_tokens ?? undefined,
    maxLength: maxLength == null || maxLength <= UNSET_MAX_LENGTH ? undefined : maxLength,
    minLength: fields.min_length ?? 0,
    minNewTokens: fields.min_new_tokens ?? undefined,
    doSample: fields.do_sample ?? false,
    temperature: fields.temperature ?? 1,
    topK: fields.top_k ?? 0,
    topP: fields.top_p ?? 1,
    minP: fields.min_p ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    noRepeatNgramSize: fields.no_repeat_ngram_size ?? 0,
    badWordsIds: fields.bad_words_ids ?? [],
    suppressTokens: fields.suppress_tokens ?? [],
    beginSuppressTokens: fields.begin_suppress_tokens ?? [],
  };
};
