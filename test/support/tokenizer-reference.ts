import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { createTokenizer, type Encoding, type Tokenizer } from '../../src/media/text/tokenizer.ts';

const FIXTURES = path.join(import.meta.dirname, '../fixtures');

/** What `tokenizers` answers for a text; offsets are UTF-16 units here, as in `Encoding`. */
export interface Expected {
  readonly ids: number[];
  readonly types: number[];
  readonly offsets: [number, number][];
  readonly special: (0 | 1)[];
  readonly words: (number | null)[];
  readonly sequences: (0 | 1 | null)[];
}

export interface ExpectedText extends Expected {
  readonly decoded: string;
  readonly decodedWithoutSpecials: string;
  readonly cleaned: string;
}

export interface Kind {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly size: number;
  readonly texts: readonly { readonly text: string; readonly expected: ExpectedText; readonly cut: Expected }[];
  readonly pairs: readonly {
    readonly pair: readonly [string, string];
    /** In full; cut to 16 tokens; without special tokens. */
    readonly expected: readonly [Expected, Expected, Expected];
  }[];
}

const readJson = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join(FIXTURES, file), 'utf8'));

/** The UTF-16 index of each code point, and of the end. */
const unitIndices = (text: string): number[] => {
  const indices = [0];
  for (const character of text) indices.push((indices.at(-1) as number) + character.length);
  return indices;
};

/** Python counts offsets in code points. */
const inUnits = <E extends Expected>(expected: E, ...texts: readonly string[]): E => {
  const indices = texts.map(unitIndices);
  return {
    ...expected,
    offsets: expected.offsets.map((range, token) =>
      range.map((offset) => indices[expected.sequences[token] ?? 0]?.[offset] ?? -1),
    ),
  };
};

export const readTokenizer = async (name: string): Promise<Tokenizer> =>
  createTokenizer(
    await readJson(`tokenizers/${name}/tokenizer.json`),
    await readJson(`tokenizers/${name}/tokenizer_config.json`),
  );

/** Every tokenizer of `fixtures/tokenizers` with what the reference answers. */
export const readKinds = async (): Promise<Kind[]> => {
  const { texts, pairs, kinds } = (await readJson('reference/tokenizers.json')) as {
    texts: string[];
    pairs: [string, string][];
    kinds: Record<string, string>;
  };
  return Promise.all(
    Object.entries(kinds).map(async ([name, packed]): Promise<Kind> => {
      const expected = JSON.parse(inflateSync(Buffer.from(packed, 'base64')).toString()) as {
        size: number;
        texts: ExpectedText[];
        cut: Expected[];
        pairs: [Expected, Expected, Expected][];
      };
      return {
        name,
        tokenizer: await readTokenizer(name),
        size: expected.size,
        texts: texts.map((text, index) => ({
          text,
          expected: inUnits(expected.texts[index] as ExpectedText, text),
          cut: inUnits(expected.cut[index] as Expected, text),
        })),
        pairs: pairs.map((pair, index) => {
          const [full, cut, bare] = expected.pairs[index] as [Expected, Expected, Expected];
          return { pair, expected: [inUnits(full, ...pair), inUnits(cut, ...pair), inUnits(bare, ...pair)] };
        }),
      };
    }),
  );
};

/** An encoding in the reference's terms. */
export const inReferenceTerms = (encoding: Encoding): Expected => ({
  ids: encoding.ids,
  types: encoding.typeIds,
  offsets: encoding.offsets.map(([start, end]) => [start, end]),
  special: encoding.special.map((special) => (special ? 1 : 0)),
  words: encoding.wordIds.map((word) => word ?? null),
  sequences: encoding.sequence.map((sequence) => sequence ?? null),
});
