import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { SentencePieceModel } from './sentencepiece-file.ts';
import {
  type AddedToken,
  addedToken,
  inOrder,
  isWithout,
  recordedTokens,
  requireId,
  specialToken,
} from './special-tokens.ts';
import { readSentencePiece, type TokenizerFolder } from './tokenizer-folder.ts';
import { type Part, template, tokenizerJson } from './tokenizer-json.ts';

type ScoredPiece = readonly [piece: string, score: number];

const idsOf = (vocabulary: readonly ScoredPiece[]): Map<string, number> =>
  new Map(vocabulary.map(([piece], id) => [piece, id]));

/**
 * Merges that lead to the pieces, the likeliest piece first. sentencepiece joins whatever is a piece; Hugging Face's tokenizers
 * want to be told of which two. `generate_merges` in convert_slow_tokenizer.py, its order of equals included.
 */
const mergesOf = (model: SentencePieceModel, vocabulary: readonly ScoredPiece[]): (readonly [string, string])[] => {
  const ids = new Map(model.pieces.map(({ piece }, id) => [piece, id]));
  const lengthOf = (text: string): number => [...text].length;
  const splits = [...new Map(vocabulary)].flatMap(([piece, score]) => {
    const characters = [...piece];
    return characters
      .slice(1)
      .map((_, index) => {
        const left = characters.slice(0, index + 1).join('');
        const right = characters.slice(index + 1).join('');
        return { left, right, score, leftId: ids.get(left) ?? -1, rightId: ids.get(right) ?? -1 };
      })
      .filter(({ leftId, rightId }) => leftId >= 0 && rightId >= 0)
      .sort((a, b) => a.leftId - b.leftId || a.rightId - b.rightId);
  });
  return splits
    .sort((a, b) => b.score - a.score || lengthOf(b.left) - lengthOf(a.left) || lengthOf(b.right) - lengthOf(a.right))
    .map(({ left, right }) => [left, right] as const);
};

const modelPart = (model: SentencePieceModel, vocabulary: readonly ScoredPiece[], unknownId: number): Part =>
  model.algorithm === 'unigram'
    ? { type: 'Unigram', unk_id: unknownId, vocab: vocabulary, byte_fallback: false }
    : {
        type: 'BPE',
        dropout: null,
        unk_token: model.pieces[model.unknownId]?.piece,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: true,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(vocabulary.map(([piece], id) => [piece, id])),
        merges: mergesOf(model, vocabulary),
      };

/** Before which parts of a text, between its added tokens, a space is put. */
type PrependScheme = 'always' | 'first' | 'never';

const normalizerPart = ({ charsmap }: SentencePieceModel): Part => ({
  type: 'Sequence',
  normalizers: [
    ...(charsmap.length === 0 ? [] : [{ type: 'Precompiled', precompiled_charsmap: charsmap.toString('base64') }]),
    { type: 'Strip', strip_left: false, strip_right: true },
    { type: 'Replace', pattern: { Regex: ' {2,}' }, content: '\u2581' },
  ],
});

interface Conversion {
  readonly model: SentencePieceModel;
  readonly vocabulary: readonly ScoredPiece[];
  readonly unknownId: number;
  readonly added: readonly AddedToken[];
  readonly postProcessor: (toId: (token: string) => number) => Part;
  readonly scheme?: PrependScheme;
}

/** Converts the kind of file that all classes share. `SpmConverter` in convert_slow_tokenizer.py. */
const convert = ({ model, vocabulary, unknownId, added, postProcessor, scheme = 'always' }: Conversion): object => {
  const metaspace: Part = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: scheme, split: true };
  const ids = idsOf(vocabulary);
  for (const { content, id } of added) ids.set(content, id);
  const toId = (token: string): number => requireId(ids, token, 'the sentencepiece model');
  const symbols = model.pieces
    .filter(({ type }) => type === 'control' || type === 'user-defined')
    .map(({ piece, type }) => addedToken(toId(piece), piece, { special: type === 'control' }));
  return tokenizerJson({
    added_tokens: inOrder([...symbols, ...added]),
    normalizer: normalizerPart(model),
    pre_tokenizer: metaspace,
    post_processor: postProcessor(toId),
    decoder: metaspace,
    model: modelPart(model, vocabulary, unknownId),
  });
};

const scored = ({ pieces }: SentencePieceModel): ScoredPiece[] => pieces.map(({ piece, score }) => [piece, score]);

/** The first tokens of fairseq, with their roles. */
const FAIRSEQ = [
  ['<s>', 'bos_token', 'cls_token'],
  ['<pad>', 'pad_token'],
  ['</s>', 'eos_token', 'sep_token'],
  ['<unk>', 'unk_token'],
] as const;

/** fairseq's four tokens instead of the first three of sentencepiece, so that every id is one more. */
const fairseqVocabulary = (model: SentencePieceModel): ScoredPiece[] => [
  ...FAIRSEQ.map(([token]): ScoredPiece => [token, 0]),
  ...scored(model).slice(3),
];

const FAIRSEQ_UNKNOWN = 3;
const MODEL_FILE = 'sentencepiece.bpe.model';

/** T5Tokenizer, mT5 too: spiece.model, and the sentinels `<extra_id_99>`…`<extra_id_0>` behind it. */
export const t5 = async (folder: TokenizerFolder): Promise<object> => {
  const model = await readSentencePiece(folder, 'spiece.model');
  const count = folder.settings.extra_ids ?? 100;
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > 10_000)
    return refuse('MODEL_INVALID', `tokenizer_config.json: "extra_ids" is ${show(count)}; expected how many there are`);
  const pieces = scored(model);
  const sentinels = Array.from({ length: count }, (_, index) => `<extra_id_${count - 1 - index}>`);
  const vocabulary: ScoredPiece[] = [...pieces, ...sentinels.map((sentinel): ScoredPiece => [sentinel, 0])];
  const ids = idsOf(vocabulary);
  const named = ['eos', 'unk', 'pad']
    .filter((role) => !isWithout(folder, `${role}_token`))
    .map((role) => specialToken(folder, `${role}_token`, role === 'eos' ? '</s>' : `<${role}>`));
  const added = recordedTokens(folder, ids, 'spiece.model') ?? [
    ...named.map((token) => addedToken(requireId(ids, token, 'spiece.model'), token)),
    ...sentinels.map((token, index) => addedToken(pieces.length + index, token)),
  ];
  const { add_prefix_space: addPrefixSpace = true, legacy } = folder.settings;
  const scheme = legacy === false ? 'first' : 'always';
  // The class writes null for what nobody asked it for, and takes it for false.
  return convert({
    model,
    vocabulary,
    unknownId: model.unknownId,
    added,
    postProcessor: (toId) => template('$A </s>', '$A </s> $B </s>', { '</s>': toId('</s>') }),
    scheme: addPrefixSpace ? scheme : 'never',
  });
};

/** XLMRobertaTokenizer. */
export const xlmRoberta = async (folder: TokenizerFolder): Promise<object> => {
  const model = await readSentencePiece(folder, MODEL_FILE);
  const vocabulary: ScoredPiece[] = [...fairseqVocabulary(model), ['<mask>', 0]];
  const added = recordedTokens(folder, idsOf(vocabulary), MODEL_FILE) ?? [
    ...FAIRSEQ.flatMap(([token, ...roles], id) =>
      roles.every((role) => isWithout(folder, role)) ? [] : [addedToken(id, token)],
    ),
    ...(isWithout(folder, 'mask_token') ? [] : [addedToken(vocabulary.length - 1, '<mask>', { lstrip: true })]),
  ];
  return convert({
    model,
    vocabulary,
    unknownId: FAIRSEQ_UNKNOWN,
    added,
    postProcessor: (toId) =>
      template('<s> $A </s>', '<s> $A </s> </s> $B </s>', { '</s>': toId('</s>'), '<s>': toId('<s>') }),
  });
};

/** NllbTokenizer: the language stands before the text. */
export const nllb = async (folder: TokenizerFolder): Promise<object> => {
  const model = await readSentencePiece(folder, MODEL_FILE);
  const vocabulary = fairseqVocabulary(model);
  const language = String(folder.settings.src_lang ?? 'eng_Latn');
  const added =
    recordedTokens(folder, idsOf(vocabulary), MODEL_FILE) ??
    refuse(
      'MODEL_INVALID',
      'tokenizer_config.json has no "added_tokens_decoder", which numbers the languages; save the tokenizer with transformers 4.34 or later',
    );
  return convert({
    model,
    vocabulary,
    unknownId: FAIRSEQ_UNKNOWN,
    added,
    postProcessor: (toId) =>
      template(`${language} $A </s>`, `${language} $A $B </s>`, { '</s>': toId('</s>'), [language]: toId(language) }),
  });
};
