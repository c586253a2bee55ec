import {
  assertKnown,
  assertNoSampling,
  decoderPart,
  normalizerPart,
  piecesPart,
  readPieces,
  specialTokens,
} from './sentencepiece-parts.ts';
import { additionalTokens, requireId, specialToken, textOf } from './special-tokens.ts';
import { flag, readVocabulary, type TokenizerFolder } from './tokenizer-folder.ts';
import { template, tokenizerJson } from './tokenizer-json.ts';

/** MarianTokenizer: pieces of source.spm, numbered by vocab.json; what the model writes are pieces of target.spm. */
export const marian = async (folder: TokenizerFolder): Promise<object> => {
  assertNoSampling(folder);
  const vocabulary = await readVocabulary(folder, 'vocab.json');
  const isSeparate = flag(folder, 'separate_vocabs', false);
  const targetPath = isSeparate ? 'target_vocab.json' : 'vocab.json';
  const targetVocabulary = isSeparate ? await readVocabulary(folder, targetPath) : vocabulary;
  const source = await readPieces(folder, 'source.spm');
  const target = await readPieces(folder, 'target.spm');
  assertKnown(source, 'source.spm', vocabulary, 'vocab.json');
  assertKnown(target, 'target.spm', targetVocabulary, targetPath);

  const named = ['eos_token', 'unk_token', 'pad_token'].map((name, index) =>
    specialToken(folder, name, ['</s>', '<unk>', '<pad>'][index] ?? ''),
  );
  const [eos = '', unknown = ''] = named;
  const toId = (token: string): number => requireId(vocabulary, token, 'vocab.json');
  const special = [...named, ...additionalTokens(folder).map(textOf)];
  special.forEach(toId);
  return tokenizerJson({
    added_tokens: specialTokens(folder, special, vocabulary),
    normalizer: normalizerPart(source, true),
    pre_tokenizer: null,
    model: {
      type: 'SentencePiece',
      pieces: piecesPart(source),
      vocab: Object.fromEntries(vocabulary),
      ...(isSeparate && { target_vocab: Object.fromEntries(targetVocabulary) }),
      unk_token: unknown,
      language_codes: true,
    },
    post_processor: template(`$A ${eos}`, `$A $B ${eos}`, { [eos]: toId(eos) }),
    decoder: decoderPart(target, { special_tokens: special, after_special_token: ' ', separate_tokens: [] }),
  });
};
