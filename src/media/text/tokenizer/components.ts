import * as v from 'valibot';
import { addedTokensSchema, createSections } from './added-tokens.ts';
import { createBpe } from './bpe.ts';
import { createDecoder } from './decoders.ts';
import { createNormalizer } from './normalizers.ts';
import { createPostProcessor } from './post-processors.ts';
import { createPreTokenizer } from './pre-tokenizers.ts';
import { createKind } from './schemas.ts';
import { createSentencePiece } from './sentencepiece/sentencepiece-model.ts';
import { createTimeLimit, findBacktracking } from './time-limit.ts';
import { tokenBytes } from './token-bytes.ts';
import { createUnigram } from './unigram.ts';
import type { VocabularyModel } from './vocabulary-model.ts';
import { createWordPiece } from './word-piece.ts';

const tokenizerSchema = v.object({
  added_tokens: v.optional(addedTokensSchema, []),
  normalizer: v.optional(v.unknown()),
  pre_tokenizer: v.optional(v.unknown()),
  model: v.unknown(),
  post_processor: v.optional(v.unknown()),
  decoder: v.optional(v.unknown()),
});

const sideSchema = v.optional(v.picklist(['left', 'right']), 'right');

const nameSchema = v.nullish(
  v.union([
    v.string(),
    v.pipe(
      v.object({ content: v.string() }),
      v.transform(({ content }) => content),
    ),
  ]),
);

/** Fields of models of every kind that `Tokenizer` needs. */
const modelSchema = v.object({ unk_token: v.nullish(v.string()), continuing_subword_prefix: v.nullish(v.string()) });

const configSchema = v.object({
  model_max_length: v.nullish(v.number()),
  padding_side: sideSchema,
  truncation_side: sideSchema,
  clean_up_tokenization_spaces: v.nullish(v.boolean()),
  split_special_tokens: v.nullish(v.boolean()),
  pad_token: nameSchema,
  unk_token: nameSchema,
});

const MODELS: Readonly<Record<string, (config: unknown) => VocabularyModel>> = {
  BPE: createBpe,
  SentencePiece: createSentencePiece,
  Unigram: createUnigram,
  WordPiece: createWordPiece,
};

/** The components of `tokenizer.json`, ready to run. */
export type Components = ReturnType<typeof readComponents>;

/** @throws `ValiError` and others naming the component that is wrong or unknown */
export const readComponents = (tokenizerJson: unknown, tokenizerConfig: unknown) => {
  const json = v.parse(tokenizerSchema, tokenizerJson);
  const config = v.parse(configSchema, tokenizerConfig);
  const model = createKind('model', MODELS, json.model);
  const inTime = createTimeLimit(findBacktracking([json.normalizer, json.pre_tokenizer, json.decoder]));
  const addedUnits = json.added_tokens.reduce((sum, { content }) => sum + content.length, 0);
  const normalise = json.normalizer == null ? undefined : createNormalizer(json.normalizer);
  return {
    config,
    model,
    ...v.parse(modelSchema, json.model),
    addedTokens: json.added_tokens,
    inTime,
    sections: inTime(addedUnits, () =>
      createSections(json.added_tokens, normalise ?? ((text) => text), config.split_special_tokens ?? false),
    ),
    preTokenise: json.pre_tokenizer == null ? undefined : createPreTokenizer(json.pre_tokenizer),
    postProcessor: json.post_processor == null ? undefined : createPostProcessor(json.post_processor),
    decode: json.decoder == null ? undefined : createDecoder(json.decoder),
    bytesOf: tokenBytes(json.decoder),
  };
};
