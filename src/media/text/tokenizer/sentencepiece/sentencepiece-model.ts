import * as v from 'valibot';
import { createKind, vocabularySchema } from '../schemas.ts';
import { createUnigram } from '../unigram.ts';
import type { Piece, VocabularyModel } from '../vocabulary-model.ts';
import { languageCodeLength } from './characters.ts';
import { createSentencePieceBpe } from './sentencepiece-bpe.ts';

const schema = v.object({
  /** The sentencepiece model: `Unigram` or `SentencePieceBPE`. */
  pieces: v.unknown(),
  vocab: vocabularySchema,
  /** Vocabulary of the model's output, if it is another one. */
  target_vocab: v.optional(vocabularySchema),
  unk_token: v.string(),
  language_codes: v.boolean(),
});

/**
 * A sentencepiece model with another vocabulary, as in MarianTokenizer and M2M100Tokenizer of `transformers`. The ids of pieces,
 * unknown pieces included, are looked up by their text.
 */
export const createSentencePiece = (config: unknown): VocabularyModel => {
  const { pieces, vocab, target_vocab, unk_token, language_codes } = v.parse(schema, config);
  const model = createKind('pieces', { Unigram: createUnigram, SentencePieceBPE: createSentencePieceBpe }, pieces);
  const unknown = vocab.get(unk_token);
  if (unknown === undefined) throw new TypeError(`the vocabulary lacks its unknown token ${unk_token}`);

  const lookUp = (text: string, start: number, end: number): Piece => ({
    id: vocab.get(text.slice(start, end)) ?? unknown,
    start,
    end,
  });

  return {
    ids: vocab,
    ...(target_vocab === undefined ? {} : { targetIds: target_vocab }),
    cut(text) {
      const codeEnd = language_codes ? languageCodeLength(text) : 0;
      const tokens = model
        .cut(text.slice(codeEnd))
        .map(({ start, end }) => lookUp(text, codeEnd + start, codeEnd + end));
      return codeEnd > 0 ? [lookUp(text, 0, codeEnd), ...tokens] : tokens;
    },
  };
};
