import * as v from 'valibot';
import { refuse } from '../../../core/errors.ts';
import { show } from '../../../core/show.ts';
import { type GenerationConfig, parseGenerationConfig } from '../../../generation/generation-config.ts';
import type { WhisperSettings } from '../settings.ts';
import { languageCode } from './languages.ts';

const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));
const idsByName = v.record(v.string(), tokenId);

/** Fields of `generation_config.json` that only Whisper has. */
const generationSchema = v.object({
  is_multilingual: v.nullish(v.boolean()),
  lang_to_id: v.nullish(idsByName),
  task_to_id: v.nullish(idsByName),
  no_timestamps_token_id: v.nullish(tokenId),
  max_initial_timestamp_index: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  forced_decoder_ids: v.nullish(v.array(v.tuple([tokenId, v.nullable(tokenId)]))),
  language: v.nullish(v.string()),
  task: v.nullish(v.string()),
  return_timestamps: v.nullish(v.boolean()),
});

/** Timestamps are the last tokens of the vocabulary, 0.02 s apart. */
export interface TimestampTokens {
  /** `<|notimestamps|>` */
  readonly noTimestamps: number;
  /** `<|0.00|>` */
  readonly first: number;
  readonly eos: number;
  /** Bound of the first timestamp, in steps of 0.02 s; undefined for none. */
  readonly maxInitialIndex?: number;
}

/** The prompt tokens and the search of one model. */
export interface WhisperConfig {
  readonly search: GenerationConfig;
  readonly maxTokens: number;
  /** False for English-only models, which know no languages and no tasks. */
  readonly multilingual: boolean;
  /** Token of each language by `<|code|>`; undefined when the model does not say. */
  readonly languageIds?: Readonly<Record<string, number>>;
  /** Token of `transcribe` and `translate`; undefined when the model does not say. */
  readonly taskIds?: Readonly<Record<string, number>>;
  readonly timestampTokens?: TimestampTokens;
  /** The prompt of older models, behind the start token; null stands for the language of the audio. */
  readonly writtenPrompt?: readonly (number | null)[];
  /** Defaults of the parameters `language` and `task`. */
  readonly language?: string;
  readonly task?: string;
  readonly timestamps: boolean;
}

const refuseFile = (problem: string): never => refuse('MODEL_INVALID', `generation_config.json: ${problem}`);

/** `forced_decoder_ids` from position 1 on. Transformers passes over a list that begins later. */
const toWrittenPrompt = (
  ids: readonly (readonly [number, number | null])[],
): readonly (number | null)[] | undefined => {
  if (ids[0]?.[0] !== 1) return undefined;
  if (ids.some(([position], index) => position !== index + 1))
    refuseFile(`"forced_decoder_ids" is ${show(ids)}, expected positions 1, 2, 3 … without a gap`);
  return ids.map(([, id]) => id);
};

/** The token of a language given as its code, English name or token; undefined when the model does not know it. */
export const languageId = ({ languageIds = {} }: WhisperConfig, language: string): number | undefined => {
  const lower = language.toLowerCase();
  const token = Object.hasOwn(languageIds, lower) ? lower : `<|${languageCode(lower)}|>`;
  return Object.hasOwn(languageIds, token) ? languageIds[token] : undefined;
};

/** @throws `MODEL_INVALID` when settings contradict each other, or are not those of a Whisper model */
export const parseWhisperConfig = ({
  generation,
  maxTokens,
}: Pick<WhisperSettings, 'generation' | 'maxTokens'>): WhisperConfig => {
  const parsed = v.safeParse(generationSchema, generation);
  if (!parsed.success) return refuseFile(v.summarize(parsed.issues));
  const fields = parsed.output;
  const search = parseGenerationConfig(generation);
  const [eos] = search.eosTokenIds;
  if (eos === undefined) return refuseFile('"eos_token_id" is missing, with which every text ends');
  const writtenPrompt = toWrittenPrompt(fields.forced_decoder_ids ?? []);
  const noTimestamps = fields.no_timestamps_token_id ?? undefined;
  const maxInitialIndex = fields.max_initial_timestamp_index ?? undefined;
  const config: WhisperConfig = {
    search,
    maxTokens,
    multilingual: fields.is_multilingual !== false,
    ...(fields.lang_to_id != null && { languageIds: fields.lang_to_id }),
    ...(fields.task_to_id != null && { taskIds: fields.task_to_id }),
    ...(noTimestamps !== undefined && {
      timestampTokens: {
        noTimestamps,
        first: noTimestamps + 1,
        eos,
        ...(maxInitialIndex !== undefined && { maxInitialIndex }),
      },
    }),
    ...(writtenPrompt !== undefined && { writtenPrompt }),
    ...(fields.language != null && { language: fields.language }),
    ...(fields.task != null && { task: fields.task }),
    timestamps: fields.return_timestamps ?? false,
  };
  if (config.language !== undefined && languageId(config, config.language) === undefined)
    refuseFile(`"language" is ${show(config.language)}, which "lang_to_id" has no token for`);
  if (config.task !== undefined && !Object.hasOwn(config.taskIds ?? {}, config.task))
    refuseFile(`"task" is ${show(config.task)}, which "task_to_id" has no token for`);
  if (config.timestamps && noTimestamps === undefined)
    refuseFile('"return_timestamps" is true and "no_timestamps_token_id" is missing');
  return config;
};
