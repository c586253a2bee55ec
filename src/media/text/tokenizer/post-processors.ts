import * as v from 'valibot';
import { BYTE_CHARACTERS, characterSizeAt, isWhitespace } from './characters.ts';
import { createKind } from './schemas.ts';

/** A token of a text on its way to the model. */
export interface Token {
  readonly id: number;
  /** Spelling in the vocabulary; of an added token, in the text. */
  readonly text: string;
  readonly typeId: number;
  /** UTF-16 units of the caller's text; `[0, 0]` for special tokens. */
  readonly offsets: readonly [start: number, end: number];
  readonly special: boolean;
  readonly sequence: 0 | 1 | undefined;
  readonly wordId: number | undefined;
}

/** Brings the tokens of a text, or of a pair, into the form of the training texts. */
export interface PostProcessor {
  /** Number of tokens that `process` adds. */
  added(isPair: boolean): number;
  /** Processes a list of tokens for each text; the caller joins the lists that it returns. */
  process(sequences: readonly (readonly Token[])[], addSpecialTokens: boolean, texts: readonly string[]): Token[][];
}

const special = (id: number, text: string, typeId: number): Token => ({
  id,
  text,
  typeId,
  offsets: [0, 0],
  special: true,
  sequence: undefined,
  wordId: undefined,
});

const namedTokenSchema = v.tuple([v.string(), v.number()]);
const surroundSchema = v.object({ sep: namedTokenSchema, cls: namedTokenSchema });
const trimSchema = v.object({
  trim_offsets: v.optional(v.boolean(), true),
  add_prefix_space: v.optional(v.boolean(), true),
});

const bert = (config: unknown): PostProcessor => {
  const { sep, cls } = v.parse(surroundSchema, config);
  return {
    added: (isPair) => (isPair ? 3 : 2),
    process: ([first = [], ...rest], addSpecialTokens) =>
      addSpecialTokens
        ? [
            [special(cls[1], cls[0], 0), ...first, special(sep[1], sep[0], 0)],
            ...rest.map((tokens) => [...tokens, special(sep[1], sep[0], 1)]),
          ]
        : [[...first], ...rest.map((tokens) => [...tokens])],
  };
};

const roberta = (config: unknown): PostProcessor => {
  const { sep, cls } = v.parse(surroundSchema, config);
  const trim = trimmer(config);
  return {
    added: (isPair) => (isPair ? 4 : 2),
    process: (sequences, addSpecialTokens, texts) =>
      sequences.map((sequence, index) => {
        const tokens = trim(sequence, texts).map((token) => ({ ...token, typeId: 0 }));
        const [name, id] = index === 0 ? cls : sep;
        return addSpecialTokens ? [special(id, name, 0), ...tokens, special(sep[1], sep[0], 0)] : tokens;
      }),
  };
};

const byteLevel = (config: unknown): PostProcessor => {
  const trim = trimmer(config);
  return { added: () => 0, process: (sequences, _, texts) => sequences.map((tokens) => trim(tokens, texts)) };
};

const BYTE_SPACE = BYTE_CHARACTERS[0x20];

/** The position `count` characters after `index`, or before it for a negative count; undefined before the text. */
const moveBy = (text: string, index: number, count: number): number | undefined => {
  let position = index;
  for (let left = count; left > 0; left--) position += characterSizeAt(text, position);
  for (let left = count; left < 0; left++) position -= characterSizeAt(text, position - 2);
  return position < 0 ? undefined : position;
};

/**
 * Creates a function that removes white space at the edges of tokens from their offsets, except a space that a component added before
 * the text. White space that was added elsewhere removes as many characters of the caller's text, as in `tokenizers`.
 */
const trimmer = (config: unknown): ((tokens: readonly Token[], texts: readonly string[]) => Token[]) => {
  const { trim_offsets, add_prefix_space } = v.parse(trimSchema, config);
  if (!trim_offsets) return (tokens) => [...tokens];
  const isSpace = (character: string | undefined): boolean =>
    character !== undefined && (character === BYTE_SPACE || isWhitespace(character));
  return (tokens, texts) =>
    tokens.map((token, index) => {
      const { text } = token;
      let leading = 0;
      while (isSpace(text[leading])) leading++;
      let trailing = 0;
      while (isSpace(text[text.length - 1 - trailing])) trailing++;
      if (leading === 0 && trailing === 0) return token;
      const source = texts[token.sequence ?? 0] ?? '';
      let [start, end] = token.offsets;
      if ((index === 0 || start === 0) && add_prefix_space && leading === 1) leading = 0;
      start = Math.min(moveBy(source, start, leading) ?? 0, end);
      end = Math.max(moveBy(source, end, -trailing) ?? end, start);
      return { ...token, offsets: [start, end] };
    });
};

const templatePieceSchema = v.union([
  v.object({ Sequence: v.object({ id: v.picklist(['A', 'B']), type_id: v.number() }) }),
  v.object({ SpecialToken: v.object({ id: v.string(), type_id: v.number() }) }),
]);

const templateSchema = v.object({
  single: v.array(templatePieceSchema),
  pair: v.array(templatePieceSchema),
  special_tokens: v.record(v.string(), v.object({ ids: v.array(v.number()), tokens: v.array(v.string()) })),
});

const template = (config: unknown): PostProcessor => {
  const { single, pair, special_tokens } = v.parse(templateSchema, config);
  const specials = (name: string, typeId: number): Token[] => {
    const named = special_tokens[name];
    if (named === undefined) throw new TypeError(`the template names ${name}, which is not among its special tokens`);
    return named.ids.map((id, index) => special(id, named.tokens[index] ?? name, typeId));
  };
  const count = (pieces: typeof single): number =>
    pieces.reduce((sum, piece) => sum + ('SpecialToken' in piece ? specials(piece.SpecialToken.id, 0).length : 0), 0);
  const added = { single: count(single), pair: count(pair) };
  return {
    added: (isPair) => (isPair ? added.pair : added.single),
    process: (sequences, addSpecialTokens) =>
      (sequences.length > 1 ? pair : single).map((piece) => {
        if ('SpecialToken' in piece)
          return addSpecialTokens ? specials(piece.SpecialToken.id, piece.SpecialToken.type_id) : [];
        const { id, type_id: typeId } = piece.Sequence;
        return (sequences[id === 'A' ? 0 : 1] ?? []).map((token) => ({ ...token, typeId }));
      }),
  };
};

const sequence = (config: unknown): PostProcessor => {
  const { processors } = v.parse(v.object({ processors: v.array(v.unknown()) }), config);
  const steps = processors.map(createPostProcessor);
  return {
    added: (isPair) => steps.reduce((sum, processor) => sum + processor.added(isPair), 0),
    process: (sequences, addSpecialTokens, texts) =>
      steps.reduce<Token[][]>(
        (tokens, processor) => processor.process(tokens, addSpecialTokens, texts),
        sequences.map((tokens) => [...tokens]),
      ),
  };
};

const KINDS: Readonly<Record<string, (config: unknown) => PostProcessor>> = {
  BertProcessing: bert,
  ByteLevel: byteLevel,
  RobertaProcessing: roberta,
  Sequence: sequence,
  TemplateProcessing: template,
};

/** @throws for a `config` that is no known post-processor of `tokenizer.json` */
export const createPostProcessor = (config: unknown): PostProcessor => createKind('post-processor', KINDS, config);
