import { refuse, ServingError } from '../../core/errors.ts';
import { type Field, fields as fieldsOf, readIntegers } from '../../onnx/protobuf.ts';

/** https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto */
const MODEL = { pieces: 1, trainer: 2, normalizer: 3, denormalizer: 5 };
const PIECE = { piece: 1, score: 2, type: 3 };
const TRAINER = { modelType: 3, whitespaceAsSuffix: 24, byteFallback: 35 };
const NORMALIZER = { charsmap: 2, addDummyPrefix: 3, removeExtraWhitespaces: 4, escapeWhitespaces: 5 };

const ALGORITHMS: Readonly<Record<number, string>> = { 1: 'unigram', 2: 'bpe', 3: 'word', 4: 'char' };
const TYPES = ['', 'normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'] as const;

export type PieceType = Exclude<(typeof TYPES)[number], ''>;

export interface SentencePiece {
  readonly piece: string;
  /** Logarithm of its likelihood (unigram), or the negative rank of its merge (bpe). */
  readonly score: number;
  readonly type: PieceType;
}

/** A sentencepiece model as its file (`.spm`, `.model`) has it. A piece's id is its index. */
export interface SentencePieceModel {
  readonly algorithm: 'unigram' | 'bpe';
  readonly pieces: readonly SentencePiece[];
  readonly unknownId: number;
  /** True when characters without a piece become the pieces of their UTF-8 bytes. */
  readonly byteFallback: boolean;
  /** Compiled rules that replace characters; empty when there are none. */
  readonly charsmap: Buffer;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
}

/** A field that is not a list: the last of its values counts. */
const last = (fields: readonly Field[], wanted: number): Field | undefined =>
  fields.findLast(({ number }) => number === wanted);

const integer = (fields: readonly Field[], wanted: number): number | undefined => {
  const field = last(fields, wanted);
  return field?.isVarint ? Number(readIntegers(field.value)[0]) : undefined;
};

const bytes = (fields: readonly Field[], wanted: number): Buffer => {
  const field = last(fields, wanted);
  return field === undefined || field.isVarint ? Buffer.alloc(0) : field.value;
};

/** The fields of all messages in `wanted` together: protobuf merges them. `undefined` when there is none. */
const merged = (fields: readonly Field[], wanted: number): Field[] | undefined => {
  const messages = fields.filter(({ number }) => number === wanted);
  return messages.length === 0 ? undefined : messages.flatMap(({ value }) => [...fieldsOf(value)]);
};

/** sentencepiece writes them behind the pieces. */
const CUT_SHORT = 'it was cut short: it has pieces, but does not say how texts become them';

const readPiece = (message: Buffer): SentencePiece => {
  const fields = [...fieldsOf(message)];
  const score = bytes(fields, PIECE.score);
  const type = integer(fields, PIECE.type) ?? 1;
  return {
    piece: bytes(fields, PIECE.piece).toString(),
    score: score.length === 4 ? score.readFloatLE() : 0,
    type: TYPES[type] || refuse('MODEL_INVALID', `it has a piece of type ${type}, which sentencepiece does not know`),
  };
};

const readModel = (file: Buffer): SentencePieceModel => {
  const fields = [...fieldsOf(file)];
  if (fields.length === 0) refuse('MODEL_INVALID', 'it is empty');
  const trainer = merged(fields, MODEL.trainer) ?? refuse('MODEL_INVALID', CUT_SHORT);
  const normalizer = merged(fields, MODEL.normalizer) ?? refuse('MODEL_INVALID', CUT_SHORT);
  const flag = (spec: readonly Field[], wanted: number, otherwise: boolean): boolean =>
    Boolean(integer(spec, wanted) ?? otherwise);

  const algorithm = ALGORITHMS[integer(trainer, TRAINER.modelType) ?? 1];
  if (flag(trainer, TRAINER.whitespaceAsSuffix, false))
    refuse('MODEL_INVALID', 'it puts spaces after words, which is not supported');
  if (!flag(normalizer, NORMALIZER.escapeWhitespaces, true))
    refuse('MODEL_INVALID', 'it keeps spaces as they are, which is not supported');
  if (bytes(merged(fields, MODEL.denormalizer) ?? [], NORMALIZER.charsmap).length > 0)
    refuse('MODEL_INVALID', 'it has rules for decoding, which are not supported');

  const pieces = fields.filter(({ number }) => number === MODEL.pieces).map(({ value }) => readPiece(value));
  return {
    algorithm:
      algorithm === 'unigram' || algorithm === 'bpe'
        ? algorithm
        : refuse('MODEL_INVALID', `its algorithm is ${algorithm}; expected unigram or bpe`),
    pieces,
    unknownId: pieces.findIndex(({ type }) => type === 'unknown'),
    byteFallback: flag(trainer, TRAINER.byteFallback, false),
    charsmap: bytes(normalizer, NORMALIZER.charsmap),
    addDummyPrefix: flag(normalizer, NORMALIZER.addDummyPrefix, true),
    removeExtraWhitespaces: flag(normalizer, NORMALIZER.removeExtraWhitespaces, true),
  };
};

/** Checks the pieces as sentencepiece does when it loads a model (`InitializePieces` in model_interface.cc). */
const assertConsistent = ({ pieces, unknownId, byteFallback, algorithm }: SentencePieceModel): void => {
  if (unknownId === -1 || pieces.filter(({ type }) => type === 'unknown').length > 1)
    refuse('MODEL_INVALID', 'it has to have one piece for unknown characters');
  const seen = new Set<string>();
  for (const [id, { piece, score, type }] of pieces.entries()) {
    if (piece === '') refuse('MODEL_INVALID', `piece ${id} is empty`);
    if (seen.has(piece)) refuse('MODEL_INVALID', `it has ${JSON.stringify(piece)} twice`);
    if (!Number.isFinite(score)) refuse('MODEL_INVALID', `the score of piece ${id} is ${score}`);
    if (type === 'unused' && algorithm === 'bpe')
      refuse('MODEL_INVALID', `piece ${id} is marked as unused, which is not supported`);
    if (type === 'byte' && !byteFallback)
      refuse('MODEL_INVALID', `piece ${id} stands for a byte, but bytes are not used`);
    seen.add(piece);
  }
  const byteCount = pieces.filter(({ piece, type }) => type === 'byte' && /^<0x[0-9A-F]{2}>$/.test(piece)).length;
  if (byteFallback && byteCount !== 256)
    refuse('MODEL_INVALID', `it falls back on bytes, but has pieces for ${byteCount} of the 256`);
};

/** @throws `MODEL_INVALID` when `file` is no sentencepiece model, was cut short, or cannot be used */
export const parseSentencePieceModel = (file: Buffer): SentencePieceModel => {
  try {
    const model = readModel(file);
    assertConsistent(model);
    return model;
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuse(
      'MODEL_INVALID',
      `it is no sentencepiece model, or was cut short (${ServingError.from(error).message})`,
    );
  }
};
