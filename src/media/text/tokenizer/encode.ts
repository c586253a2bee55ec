import type { Components } from './components.ts';
import type { Token } from './post-processors.ts';

/** Tokens of a text or of a pair; every list has an entry for each token. */
export interface Encoding {
  ids: number[];
  typeIds: number[];
  /** Range of each token in the caller's string, in UTF-16 units; `[0, 0]` for special tokens. */
  offsets: (readonly [start: number, end: number])[];
  /** Tells whether a token was added around the text. */
  special: boolean[];
  /** 0 for the text, 1 for its pair. */
  sequence: (0 | 1 | undefined)[];
  /** Number of the word in its text, like `word_ids` of Hugging Face's fast tokenizers. */
  wordIds: (number | undefined)[];
  /** Number of tokens before the cut; missing for a text that was not cut. */
  truncatedFrom?: number;
}

export interface EncodeOptions {
  /** Second text; an empty one counts as none, as in `transformers`. */
  readonly pair?: string;
  /** Default: true. */
  readonly addSpecialTokens?: boolean;
  /** Most tokens, special tokens included; default: `Tokenizer.maxLength`; `Infinity`: no cut. */
  readonly maxLength?: number;
  /** The side at which a text is cut; default: `truncation_side` in `tokenizer_config.json`. */
  readonly cutSide?: 'left' | 'right' | undefined;
}

interface Tokens {
  readonly tokens: readonly Token[];
  /** Number of tokens of the whole text. */
  readonly count: number;
}

const cutIntoTokens = (
  { sections, preTokenise, model }: Components,
  toToken: (id: number) => string | undefined,
  text: string,
  sequence: 0 | 1,
  most: number,
): Tokens => {
  const tokens: Token[] = [];
  let count = 0;
  let wordId = 0;
  const add = (id: number, tokenText: string, offsets: Token['offsets']): void => {
    if (count++ >= most) return; // most tokens of a long text would be created in vain
    tokens.push({ typeId: sequence, special: false, sequence, id, text: tokenText, offsets, wordId });
  };
  for (const section of sections(text)) {
    if (section.id !== undefined) {
      add(section.id, section.text.text, section.text.original(0, section.text.text.length));
      wordId++;
      continue;
    }
    for (const word of preTokenise === undefined ? [section.text] : preTokenise(section.text)) {
      for (const { id, start, end } of model.cut(word.text)) add(id, toToken(id) ?? '', word.original(start, end));
      wordId++;
    }
  }
  return { tokens, count };
};

/** Returns the first `most` tokens of one text, without special tokens. @throws `INVALID_INPUT` when the patterns take too long */
export const tokenise = (
  components: Components,
  toToken: (id: number) => string | undefined,
  text: string,
  sequence: 0 | 1,
  most: number,
): Tokens => components.inTime(text.length, () => cutIntoTokens(components, toToken, text, sequence, most));

/** Number of tokens of each text to keep within `room`; the longer text is cut first. */
const shares = (first: number, second: number, room: number): [first: number, second: number] => {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second);
  let longer = shorter > room ? shorter : Math.max(shorter, room - shorter);
  let least = shorter;
  if (least + longer > room) {
    least = Math.floor(room / 2);
    longer = least + (room % 2);
  }
  return first > second ? [longer, least] : [least, longer];
};

export const encode = (
  components: Components,
  toToken: (id: number) => string | undefined,
  text: string,
  { pair, addSpecialTokens = true, maxLength = Number.POSITIVE_INFINITY, cutSide }: EncodeOptions,
): Encoding => {
  const { postProcessor, config } = components;
  const isCutRight = (cutSide ?? config.truncation_side) === 'right';
  const most = isCutRight ? maxLength : Number.POSITIVE_INFINITY;
  const texts = pair ? [text, pair] : [text]; // an empty pair is none
  const tokenised = texts.map((one, index) => tokenise(components, toToken, one, index === 0 ? 0 : 1, most));
  const added = addSpecialTokens ? (postProcessor?.added(texts.length > 1) ?? 0) : 0;
  const [first = 0, second = 0] = tokenised.map(({ count }) => count);
  const kept = shares(first, second, Math.max(maxLength - added, 0));
  const sequences = tokenised.map(({ tokens }, index) => {
    const keep = kept[index] ?? 0;
    return isCutRight ? tokens.slice(0, keep) : tokens.slice(tokens.length - keep);
  });
  const tokens = (postProcessor?.process(sequences, addSpecialTokens, texts) ?? sequences).flat();
  const total = first + second + added;
  return { ...toEncoding(tokens), ...(total > maxLength ? { truncatedFrom: total } : {}) };
};

export const toEncoding = (tokens: readonly Token[]): Encoding => ({
  ids: tokens.map(({ id }) => id),
  typeIds: tokens.map(({ typeId }) => typeId),
  offsets: tokens.map(({ offsets }) => offsets),
  special: tokens.map(({ special }) => special),
  sequence: tokens.map(({ sequence }) => sequence),
  wordIds: tokens.map(({ wordId }) => wordId),
});
