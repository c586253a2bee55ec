import * as v from 'valibot';
import { vocabularySchema } from './schemas.ts';
import type { VocabularyModel } from './vocabulary-model.ts';

const schema = v.object({ vocab: vocabularySchema, unk_token: v.string() });

/** Every word is a token, or unknown as a whole. */
export const createWordLevel = (config: unknown): VocabularyModel => {
  const { vocab: ids, unk_token } = v.parse(schema, config);
  const unknown = ids.get(unk_token);
  return {
    ids,
    cut(word) {
      const id = ids.get(word) ?? unknown;
      return id === undefined ? [] : [{ id, start: 0, end: word.length }];
    },
  };
};
