import { show } from '../../../src/core/show.ts';
import { refuse } from '../settings.ts';
import { readVocabulary, requireId, specialToken, type TokenizerFolder } from './tokenizer-folder.ts';
import { tokenizerJson } from './tokenizer-json.ts';

/** Wav2Vec2CTCTokenizer: a vocabulary of characters, by which the output of a CTC model is read. */
export const wav2vec2 = async (folder: TokenizerFolder): Promise<object> => {
  const { target_lang: language } = folder.settings;
  if (language !== undefined && language !== null)
    return refuse(
      `tokenizer_config.json: "target_lang" is ${show(language)}; of a vocabulary of several languages, save the one that the model is exported with`,
    );
  const vocabulary = await readVocabulary(folder, 'vocab.json');
  const unknown = specialToken(folder, 'unk_token', '<unk>');
  const pad = specialToken(folder, 'pad_token', '<pad>');
  const delimiter = specialToken(folder, 'word_delimiter_token', '|');
  for (const token of [pad, delimiter]) requireId(vocabulary, token, 'vocab.json');
  return tokenizerJson({
    added_tokens: [],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: delimiter },
    pre_tokenizer: { type: 'Split', pattern: { Regex: '' }, behavior: 'Isolated', invert: false },
    post_processor: null,
    decoder: { type: 'CTC', pad_token: pad, word_delimiter_token: delimiter, cleanup: true },
    model: { type: 'WordLevel', vocab: Object.fromEntries(vocabulary), unk_token: unknown },
  });
};
