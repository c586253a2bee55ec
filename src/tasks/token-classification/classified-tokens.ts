import type { Tensor } from '../../core/tensor.ts';
import { rowStart } from '../../media/text/collate.ts';
import type { Tokenizer, Window } from '../../media/text/tokenizer.ts';

/** A token of the text and what the model says of it. */
export interface ClassifiedToken {
  /** As the vocabulary writes it, such as `##ing`; the text itself where the vocabulary has nothing for it. */
  readonly word: string;
  /** float32[L] by label. */
  readonly logits: Float32Array;
  /** Place in the caller's own text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Place among the tokens of the text, the special ones counted too. */
  readonly index: number;
  /** Whether it goes on with the word of the token before. */
  readonly isSubword: boolean;
}

/**
 * Whether a token goes on with the word before, as `gather_pre_entities` of `transformers` decides: by its length where the vocabulary
 * marks such tokens, otherwise by there being no space. Lengths are in code points, as Python counts.
 */
const isSubword = (token: string, text: string, start: number, end: number, { subwordPrefix }: Tokenizer): boolean =>
  subwordPrefix === undefined
    ? start > 0 && text[start - 1] !== ' ' && text[start] !== ' '
    : [...token].length !== [...text.slice(start, end)].length;

/** What the graph says of the tokens of one window, float32[1,T,L], without the special ones. */
export const classifyTokens = (
  { encoding, start: before }: Window,
  text: string,
  { data, shape }: Tensor,
  tokenizer: Tokenizer,
): ClassifiedToken[] => {
  const [, length = 0, labels = 0] = shape;
  const first = rowStart(encoding, length, tokenizer);
  return encoding.ids.flatMap((id, index): ClassifiedToken[] => {
    if (encoding.special[index]) return [];
    const [start, end] = encoding.offsets[index] ?? [0, 0];
    const logits = (data as Float32Array).subarray((first + index) * labels, (first + index + 1) * labels);
    const place = { logits, start, end, index: before + index };
    if (id === tokenizer.unknownId) return [{ ...place, word: text.slice(start, end), isSubword: false }];
    const word = tokenizer.token(id) ?? '';
    return [{ ...place, word, isSubword: isSubword(word, text, start, end, tokenizer) }];
  });
};
