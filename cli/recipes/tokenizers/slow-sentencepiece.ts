import { show } from '../../../src/core/show.ts';
import { refuse } from '../settings.ts';
import type { SentencePieceModel } from './sentencepiece-file.ts';
import {
  type AddedToken,
  addedToken,
  additionalSpecialTokens,
  flag,
  inOrder,
  readSentencePiece,
  readVocabulary,
  recordedTokens,
  requireId,
  specialToken,
  type TokenizerFolder,
} from './tokenizer-folder.ts';
import { type Part, template, tokenizerJson } from './tokenizer-json.ts';

/** `FLT_MIN`, below which sentencepiece does not let its best score fall. */
const SMALLEST_FLOAT = 2 ** -126;

const userDefinedSymbols = ({ pieces }: SentencePieceModel): string[] =>
  pieces.filter(({ type }) => type === 'user-defined').map(({ piece }) => piece);

/** Pieces that a text can be cut into, behind one that no text is: the unknown one. */
const cuttablePieces = (model: SentencePieceModel): (readonly [piece: string, score: number])[] => {
  const normal = model.pieces.filter(({ type }) => type === 'normal');
  const best = normal.reduce((most, { score }) => Math.max(most, score), SMALLEST_FLOAT);
  return [
    ['', 0],
    ...model.pieces
      .filter(({ type }) => type === 'normal' || type === 'user-defined')
      .map(({ piece, score, type }): readonly [string, number] => {
        // The bonus by which sentencepiece always prefers them (`EncodeOptimized` in unigram_model.cc).
        const bonus = Math.fround(Buffer.byteLength(piece) * best - 0.1);
        return [piece, type === 'user-defined' && model.algorithm === 'unigram' ? bonus : score];
      }),
  ];
};

const piecesPart = (model: SentencePieceModel): Part => ({
  ...(model.algorithm === 'unigram'
    ? { type: 'Unigram', single_precision: true }
    : { type: 'SentencePieceBPE', user_defined_symbols: userDefinedSymbols(model) }),
  unk_id: 0,
  vocab: cuttablePieces(model),
});

const normalizerPart = (model: SentencePieceModel, languageCodes: boolean): Part => ({
  type: 'SentencePiece',
  precompiled_charsmap: model.charsmap.toString('base64'),
  add_dummy_prefix: model.addDummyPrefix,
  remove_extra_whitespaces: model.removeExtraWhitespaces,
  user_defined_symbols: userDefinedSymbols(model),
  language_codes: languageCodes,
});

const decoderPart = (model: SentencePieceModel, more: Omit<Part, 'type'>): Part => ({
  type: 'SentencePiece',
  control_symbols: model.pieces.filter(({ type }) => type === 'control').map(({ piece }) => piece),
  add_dummy_prefix: model.addDummyPrefix,
  remove_extra_whitespaces: model.removeExtraWhitespaces,
  ...more,
});

/** A sentencepiece model whose pieces another vocabulary numbers. */
const readPieces = async (folder: TokenizerFolder, path: string): Promise<SentencePieceModel> => {
  const model = await readSentencePiece(folder, path);
  if (model.byteFallback) refuse(`${path} falls back on bytes, which its tokenizer class has no ids for`);
  return model;
};

/** @throws `MODEL_INVALID` when hardly a piece is known: the files are not of one model */
const assertKnown = (
  model: SentencePieceModel,
  path: string,
  vocabulary: ReadonlyMap<string, number>,
  vocabularyPath: string,
): void => {
  const normal = model.pieces.filter(({ type }) => type === 'normal');
  const missing = normal.filter(({ piece }) => !vocabulary.has(piece));
  if (missing.length * 2 > normal.length)
    refuse(
      `${vocabularyPath} lacks ${missing.length} of the ${normal.length} pieces of ${path}, such as ${show(missing[0]?.piece)}: they are not of one model`,
    );
};

/** sp_model_kwargs may ask for pieces drawn at random, which is for training. */
const assertNoSampling = ({ settings }: TokenizerFolder): void => {
  const { enable_sampling } = (settings.sp_model_kwargs ?? {}) as Record<string, unknown>;
  if (enable_sampling) refuse('tokenizer_config.json: "enable_sampling" is for training; remove it');
};

/** The special tokens: those that were recorded, or else those of `names`. */
const specialTokens = (
  folder: TokenizerFolder,
  names: readonly string[],
  vocabulary: ReadonlyMap<string, number>,
): AddedToken[] =>
  recordedTokens(folder, vocabulary, 'vocab.json') ??
  inOrder(names.map((token) => addedToken(requireId(vocabulary, token, 'vocab.json'), token)));

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
  const special = [...named, ...additionalSpecialTokens(folder)];
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

/** Languages by the value of `language_codes`; their tokens follow the vocabulary in this order. tokenization_m2m_100.py */
const LANGUAGES: Readonly<Record<string, string>> = {
  m2m100:
    'af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu',
  wmt21: 'en ha is ja cs ru zh de',
};

/** M2M100Tokenizer: pieces of sentencepiece.bpe.model, numbered by vocab.json; the language stands before the text. */
export const m2m100 = async (folder: TokenizerFolder): Promise<object> => {
  assertNoSampling(folder);
  const vocabulary = await readVocabulary(folder, 'vocab.json');
  const model = await readPieces(folder, 'sentencepiece.bpe.model');
  assertKnown(model, 'sentencepiece.bpe.model', vocabulary, 'vocab.json');
  const codes = String(folder.settings.language_codes ?? 'm2m100');
  const languages =
    (Object.hasOwn(LANGUAGES, codes) ? LANGUAGES[codes] : undefined)?.split(' ') ??
    refuse(`tokenizer_config.json: "language_codes" is ${show(codes)}; known are ${Object.keys(LANGUAGES).join(', ')}`);

  const size = vocabulary.size;
  const numbered = new Map([...vocabulary, ...languages.map((code, index) => [`__${code}__`, size + index] as const)]);
  const toId = (token: string): number => requireId(numbered, token, 'vocab.json');
  const named = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token'].map((name, index) =>
    specialToken(folder, name, ['<s>', '</s>', '<unk>', '</s>', '<pad>'][index] ?? ''),
  );
  const [, eos = '', unknown = ''] = named;
  const language = `__${folder.settings.src_lang ?? 'en'}__`;
  const additional = additionalSpecialTokens(folder);
  const special = [...named, ...additional];
  return tokenizerJson({
    added_tokens: specialTokens(folder, special, numbered),
    normalizer: normalizerPart(model, false),
    pre_tokenizer: null,
    model: {
      type: 'SentencePiece',
      pieces: piecesPart(model),
      vocab: Object.fromEntries(numbered),
      unk_token: unknown,
      language_codes: false,
    },
    post_processor: template(`${language} $A ${eos}`, `${language} $A $B ${eos}`, {
      [language]: toId(language),
      [eos]: toId(eos),
    }),
    decoder: decoderPart(model, {
      special_tokens: named,
      after_special_token: '',
      separate_tokens: additional.filter((token) => toId(token) >= size),
    }),
  });
};
