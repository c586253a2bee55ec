import * as v from 'valibot';
import { rememberWords } from './remember-words.ts';
import { vocabularySchema } from './schemas.ts';
import type { Piece, VocabularyModel } from './vocabulary-model.ts';

const schema = v.object({
  vocab: vocabularySchema,
  unk_token: v.string(),
  continuing_subword_prefix: v.optional(v.string(), '##'),
  max_input_chars_per_word: v.optional(v.number(), 100),
});

/** WordPiece: cuts off the longest known beginning again and again. A word with an unknown rest is unknown as a whole. */
export const createWordPiece = (config: unknown): VocabularyModel => {
  const {
    vocab: ids,
    unk_token,
    continuing_subword_prefix: prefix,
    max_input_chars_per_word,
  } = v.parse(schema, config);
  const unknown = ids.get(unk_token);
  if (unknown === undefined) throw new TypeError(`the vocabulary lacks its unk_token ${unk_token}`);

  return {
    ids,
    cut: rememberWords((word) => {
      const whole: Piece[] = [{ id: unknown, start: 0, end: word.length }];
      if (word.length > max_input_chars_per_word && [...word].length > max_input_chars_per_word) return whole;
      const pieces: Piece[] = [];
      for (let start = 0; start < word.length; ) {
        let end = word.length;
        let id: number | undefined;
        for (; end > start; end--) {
          const part = word.slice(start, end);
          id = ids.get(start > 0 ? prefix + part : part);
          if (id !== undefined) break;
        }
        if (id === undefined) return whole;
        pieces.push({ id, start, end });
        start = end;
      }
      return pieces;
    }),
  };
};
