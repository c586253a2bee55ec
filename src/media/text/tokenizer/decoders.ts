import * as v from 'valibot';
import { cleanUpTokens } from '../clean-up-spaces.ts';
import { compilePattern } from './patterns.ts';
import { createKind, patternSchema } from './schemas.ts';
import { createSentencePieceDecoder } from './sentencepiece/sentencepiece-decoder.ts';
import { ofByteLevel } from './token-bytes.ts';

/** A step from tokens to their text. */
export type Decoder = (tokens: readonly string[]) => string[];

const lossyUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Replaces characters by the bytes that they stand for. */
const byteLevel: Decoder = (tokens) => [
  lossyUtf8.decode(Uint8Array.from(tokens.flatMap((token) => [...ofByteLevel(token)]))),
];

/** Replaces runs of `<0x41>` by the characters of their bytes; for invalid UTF-8, by a replacement character for each byte. */
const byteFallback: Decoder = (tokens) => {
  const texts: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      texts.push(strictUtf8.decode(Uint8Array.from(bytes)));
    } catch {
      texts.push(...bytes.map(() => '\ufffd'));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
};

const wordPiece = (config: unknown): Decoder => {
  const { prefix, cleanup } = v.parse(v.object({ prefix: v.string(), cleanup: v.boolean() }), config);
  return (tokens) =>
    tokens.map((token, index) => {
      let text = token;
      if (index > 0) text = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleanup ? cleanUpTokens(text) : text;
    });
};

const metaspace = (config: unknown): Decoder => {
  const { replacement, prepend_scheme, add_prefix_space } = v.parse(
    v.object({
      replacement: v.string(),
      prepend_scheme: v.optional(v.string()),
      add_prefix_space: v.optional(v.boolean(), true),
    }),
    config,
  );
  const isPrepended = (prepend_scheme ?? (add_prefix_space ? 'always' : 'never')) !== 'never';
  return (tokens) => tokens.map((token, index) => token.replaceAll(replacement, index === 0 && isPrepended ? '' : ' '));
};

const strip = (config: unknown): Decoder => {
  const { content, start, stop } = v.parse(
    v.object({ content: v.string(), start: v.number(), stop: v.number() }),
    config,
  );
  return (tokens) =>
    tokens.map((token) => {
      const characters = [...token];
      let from = 0;
      while (from < start && characters[from] === content) from++;
      let to = characters.length;
      while (characters.length - to < stop && to > from && characters[to - 1] === content) to--;
      return characters.slice(from, to).join('');
    });
};

const ctc = (config: unknown): Decoder => {
  const { pad_token, word_delimiter_token, cleanup } = v.parse(
    v.object({ pad_token: v.string(), word_delimiter_token: v.string(), cleanup: v.boolean() }),
    config,
  );
  return (tokens) =>
    tokens
      .filter((token, index) => token !== tokens[index - 1])
      .map((token) => {
        const text = token.replaceAll(pad_token, '');
        return cleanup ? cleanUpTokens(text).replaceAll(word_delimiter_token, ' ') : text;
      })
      .filter((text) => text !== '');
};

const bpe = (config: unknown): Decoder => {
  const { suffix } = v.parse(v.object({ suffix: v.string() }), config);
  return (tokens) => tokens.map((token, index) => token.replaceAll(suffix, index === tokens.length - 1 ? '' : ' '));
};

const replace = (config: unknown): Decoder => {
  const { pattern, content } = v.parse(v.object({ pattern: patternSchema, content: v.string() }), config);
  const compiled = compilePattern(pattern);
  return (tokens) => tokens.map((token) => token.replaceAll(compiled, () => content));
};

const sequence = (config: unknown): Decoder => {
  const steps = v.parse(v.object({ decoders: v.array(v.unknown()) }), config).decoders.map(createDecoder);
  return (tokens) => steps.reduce<string[]>((texts, step) => step(texts), [...tokens]);
};

const KINDS: Readonly<Record<string, (config: unknown) => Decoder>> = {
  BPEDecoder: bpe,
  ByteFallback: () => byteFallback,
  ByteLevel: () => byteLevel,
  CTC: ctc,
  Fuse: () => (tokens) => [tokens.join('')],
  Metaspace: metaspace,
  Replace: replace,
  SentencePiece: createSentencePieceDecoder,
  Sequence: sequence,
  Strip: strip,
  WordPiece: wordPiece,
};

/** @throws for a `config` that is no known decoder of `tokenizer.json` */
export const createDecoder = (config: unknown): Decoder => createKind('decoder', KINDS, config);
