import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import type { SentencePieceModel } from './sentencepiece-file.ts';
import { type AddedToken, addedToken, inOrder, recordedTokens, requireId } from './special-tokens.ts';
import { readSentencePiece, type TokenizerFolder } from './tokenizer-folder.ts';
import type { Part } from './tokenizer-json.ts';

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

export const piecesPart = (model: SentencePieceModel): Part => ({
  ...(model.algorithm === 'unigram'
    ? { type: 'Unigram', single_precision: true }
    : { type: 'SentencePieceBPE', user_defined_symbols: userDefinedSymbols(model) }),
  unk_id: 0,
  vocab: cuttablePieces(model),
});

export const normalizerPart = (model: SentencePieceModel, languageCodes: boolean): Part => ({
  type: 'SentencePiece',
  precompiled_charsmap: model.charsmap.toString('base64'),
  add_dummy_prefix: model.addDummyPrefix,
  remove_extra_whitespaces: model.removeExtraWhitespaces,
  user_defined_symbols: userDefinedSymbols(model),
  language_codes: languageCodes,
});

export const decoderPart = (model: SentencePieceModel, more: Omit<Part, 'type'>): Part => ({
  type: 'SentencePiece',
  control_symbols: model.pieces.filter(({ type }) => type === 'control').map(({ piece }) => piece),
  add_dummy_prefix: model.addDummyPrefix,
  remove_extra_whitespaces: model.removeExtraWhitespaces,
  ...more,
});

/** A sentencepiece model whose pieces another vocabulary numbers. */
export const readPieces = async (folder: TokenizerFolder, path: string): Promise<SentencePieceModel> => {
  const model = await readSentencePiece(folder, path);
  if (model.byteFallback)
    refuse('MODEL_INVALID', `${path} falls back on bytes, which its tokenizer class has no ids for`);
  return model;
};

/** @throws `MODEL_INVALID` when hardly a piece is known: the files are not of one model */
export const assertKnown = (
  model: SentencePieceModel,
  path: string,
  vocabulary: ReadonlyMap<string, number>,
  vocabularyPath: string,
): void => {
  const normal = model.pieces.filter(({ type }) => type === 'normal');
  const missing = normal.filter(({ piece }) => !vocabulary.has(piece));
  if (missing.length * 2 > normal.length)
    refuse(
      'MODEL_INVALID',
      `${vocabularyPath} lacks ${missing.length} of the ${normal.length} pieces of ${path}, such as ${show(missing[0]?.piece)}: they are not of one model`,
    );
};

/** sp_model_kwargs may ask for pieces drawn at random, which is for training. */
export const assertNoSampling = ({ settings }: TokenizerFolder): void => {
  const { sp_model_kwargs: options } = settings;
  const enable_sampling = isObject(options) && options.enable_sampling;
  if (enable_sampling) refuse('MODEL_INVALID', 'tokenizer_config.json: "enable_sampling" is for training; remove it');
};

/** The special tokens: those that were recorded, or else those of `names`. */
export const specialTokens = (
  folder: TokenizerFolder,
  names: readonly string[],
  vocabulary: ReadonlyMap<string, number>,
): AddedToken[] =>
  recordedTokens(folder, vocabulary, 'vocab.json') ??
  inOrder(names.map((token) => addedToken(requireId(vocabulary, token, 'vocab.json'), token)));
