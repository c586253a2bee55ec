import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readTokenizer } from '../../../src/source/tokenizers/index.ts';

/** A folder whose files contradict each other, and what transformers 4.57.6 makes of it. Made by test/reference/tokenizer_settings.py. */
interface Folder {
  readonly name: string;
  /** The folder of test/fixtures/tokenizers with its tokenizer.json; null for a folder with vocab.txt in its place. */
  readonly base: string | null;
  readonly config: object | null;
  /** Added tokens that its tokenizer.json lacks. */
  readonly without: readonly string[];
  readonly files: Readonly<Record<string, object>>;
  readonly truncation: object | null;
  readonly padding: object | null;
  /** Other flags of added tokens. */
  readonly flags: Readonly<Record<string, object>>;
  readonly class: string;
  readonly pad: number | null;
  readonly side: string;
  /** Compressed JSON of `Encoded`. */
  readonly encoded: string;
}

/** Offsets are the starts and ends of the tokens in code points, in turn. */
interface Encoded {
  readonly ids: readonly (readonly number[])[];
  readonly offsets: readonly (readonly number[])[];
  /** Of folders without a base. */
  readonly decoded: readonly string[];
}

interface TokenizerFile {
  readonly added_tokens: readonly { readonly content: string }[];
  readonly truncation: object | null;
  readonly padding: object | null;
}

const readJson = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join('test/fixtures', file), 'utf8'));

const { texts, folders } = (await readJson('reference/tokenizer-settings.json')) as {
  readonly texts: readonly string[];
  readonly folders: readonly Folder[];
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tokenizer-settings-'));
});
afterAll(() => rm(root, { recursive: true }));

const writeFolder = async ({ base, config, without, files, truncation, padding, flags }: Folder): Promise<string> => {
  const directory = await mkdtemp(path.join(root, 'folder-'));
  if (base === null) {
    await copyFile('test/fixtures/unconverted-tokenizers/bert-uncased/vocab.txt', path.join(directory, 'vocab.txt'));
    await writeFile(path.join(directory, 'tokenizer_config.json'), JSON.stringify(config));
    return directory;
  }
  const json = (await readJson(`tokenizers/${base}/tokenizer.json`)) as TokenizerFile;
  const tokenizer = {
    ...json,
    added_tokens: json.added_tokens
      .filter(({ content }) => !without.includes(content))
      .map((token) => ({ ...token, ...flags[token.content] })),
    truncation: truncation ?? json.truncation,
    padding: padding ?? json.padding,
  };
  const all = { 'tokenizer.json': tokenizer, ...(config && { 'tokenizer_config.json': config }), ...files };
  for (const [name, content] of Object.entries(all))
    await writeFile(path.join(directory, name), JSON.stringify(content));
  return directory;
};

/** Offsets in code points, as Python counts them. */
const inCodePoints = (text: string, offsets: readonly (readonly [number, number])[]): number[] =>
  offsets.flatMap((pair) => pair.map((offset) => [...text.slice(0, offset)].length));

it('the reference has folders and texts enough', () => {
  expect(folders.length).toBeGreaterThanOrEqual(50);
  expect(texts.length).toBeGreaterThanOrEqual(60);
});

it.each(folders)('$name ($class): tokens are those of transformers', async (folder) => {
  const directory = await writeFolder(folder);
  const { tokenizer } = await readTokenizer({ directory, graphs: {}, alternatives: [], ownsDirectory: true });
  const expected = JSON.parse(inflateSync(Buffer.from(folder.encoded, 'base64')).toString()) as Encoded;
  const encodings = texts.map((text) => tokenizer.encode(text));
  expect(encodings.map(({ ids }) => ids)).toEqual(expected.ids);
  expect(encodings.map(({ offsets }, index) => inCodePoints(texts[index] ?? '', offsets))).toEqual(expected.offsets);
  expect(expected.decoded.map((_, index) => tokenizer.decode(expected.ids[index] ?? []))).toEqual(expected.decoded);
  expect([tokenizer.padId, tokenizer.paddingSide]).toEqual([folder.pad ?? 0, folder.side]);
});
