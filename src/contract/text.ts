/** The public contract of extensions: texts and tokenizers. */
export { assertTextGraph, collateEncodings, longestRow } from '../media/text/collate.ts';
export { type Texts, toTexts } from '../media/text/input.ts';
export { type Encoding, loadTokenizer, type Tokenizer } from '../media/text/tokenizer.ts';
