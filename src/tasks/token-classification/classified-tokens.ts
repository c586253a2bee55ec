import type { Tensor } from '../../core/tensor.ts';
import { rowStart } from '../../media/text/collate.ts';
import type { Tokenizer, Window } from '../../media/text/tokenizer.ts';

/** A token of the text with its logits. */
export interface ClassifiedToken {
  /** The form of the vocabulary, such as `##ing`; the text itself for an unknown token. */
  readonly word: string;
  /** float32[L] by label. */
  readonly logits: Float32Array;
  /** Place in the caller's own text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Place among the tokens of the text, special tokens included. */
  readonly index: number;
  /** True for a token that goes on with the word of the token before. */
  readonly isSubword: boolean;
}

/**
 * Tells whether a token goes on with the word before, like `gather_pre_entities` of `transformers`. A vocabulary that marks such tokens makes
 * them longer than their text; otherwise a missing space decides. Lengths are in code points, as Python counts.
 */
const isSubword = (token: string, text: string, start: number, end: number, { subwordPrefix }: Tokenizer): boolean =>
  subwordPrefix === undefined
    ? start > 0 && text[start - 1] !== ' ' && text[start] !== ' '
    : [...token].length !== [...text.slice(start, end)].length;

/** The tokens of one window with their logits, from float32[1,T,L]; special tokens are left out. */
export const classifyTokens = (
  { encoding, start: before }: Window,
  text: string,
  { data, shape }: Tensor<'float32'>,
  tokenizer: Tokenizer,
): ClassifiedToken[] => {
  const [, length = 0, labels = 0] = shape;
  const first = rowStart(encoding, length, tokenizer);
  return encoding.ids.flatMap((id, index): ClassifiedToken[] => {
    if (encoding.special[index]) return [];
    const [start, end] = encoding.offsets[index] ?? [0, 0];
    const logits = data.subarray((first + index) * labels, (first + index + 1) * labels);
    const place = { logits, start, end, index: before + index };
    if (id === tokenizer.unknownId) return [{ ...place, word: text.slice(start, end), isSubword: false }];
    const word = tokenizer.token(id) ?? '';
    return [{ ...place, word, isSubword: isSubword(word, text, start, end, tokenizer) }];
  });
};
