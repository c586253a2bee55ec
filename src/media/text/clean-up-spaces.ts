/** Before punctuation and English contractions no space stands. `tokenizers` itself has one rule more than `transformers`. */
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

/** As the decoders of `tokenizers` do. */
export const cleanUpTokens = (text: string): string =>
  CLEAN_UPS.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);

/** What `clean_up_tokenization_spaces` of `tokenizer_config.json` asks for. */
export const cleanUpSpaces = (text: string): string =>
  CLEAN_UPS.reduce((cleaned, [from, to]) => (from === ' do not' ? cleaned : cleaned.replaceAll(from, to)), text);
