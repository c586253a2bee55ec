/** Rules that remove spaces before punctuation and English contractions. `tokenizers` has one rule more than `transformers`. */
const CLEAN_UPS: readonly (readonly [from: string, to: string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Applies the rules of the decoders in `tokenizers`. */
export const cleanUpTokens = (text: string): string =>
  CLEAN_UPS.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);

/** Applies the rules of `clean_up_tokenization_spaces` in `tokenizer_config.json`. */
export const cleanUpSpaces = (text: string): string =>
  CLEAN_UPS.reduce((cleaned, [from, to]) => (from === ' do not' ? cleaned : cleaned.replaceAll(from, to)), text);
