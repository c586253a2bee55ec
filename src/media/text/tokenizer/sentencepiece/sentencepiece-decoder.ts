import * as v from 'valibot';
import { SPACE_SYMBOL } from './characters.ts';

const schema = v.object({
  /** Pieces without text. */
  control_symbols: v.array(v.string()),
  /** The first flag drops one space before the text, the second drops all. */
  add_dummy_prefix: v.boolean(),
  remove_extra_whitespaces: v.boolean(),
  /** Tokens that separate texts, and the text after such a token. */
  special_tokens: v.array(v.string()),
  after_special_token: v.string(),
  /** Tokens with a space on either side. */
  separate_tokens: v.array(v.string()),
});

type Settings = v.InferOutput<typeof schema>;

/** Joins pieces to a text, like `Decode` of sentencepiece_processor.cc. */
const decodePieces = (pieces: readonly string[], settings: Settings): string => {
  const { control_symbols, add_dummy_prefix, remove_extra_whitespaces } = settings;
  let text = '';
  let isAtStart = add_dummy_prefix || remove_extra_whitespaces;
  for (const piece of pieces) {
    if (control_symbols.includes(piece)) continue;
    const isSpaced = isAtStart && piece.startsWith(SPACE_SYMBOL);
    text += (isSpaced ? piece.slice(1) : piece).replaceAll(SPACE_SYMBOL, ' ');
    if (text !== '' || (isSpaced && !remove_extra_whitespaces)) isAtStart = false;
  }
  return text;
};

const decodeBetweenSpecials = (tokens: readonly string[], settings: Settings): string => {
  const texts: string[] = [];
  let pieces: string[] = [];
  for (const token of tokens) {
    if (!settings.special_tokens.includes(token)) pieces.push(token);
    else {
      texts.push(decodePieces(pieces, settings), token, settings.after_special_token);
      pieces = [];
    }
  }
  return [...texts, decodePieces(pieces, settings)].join('').trim();
};

/** Decodes pieces of a sentencepiece model like `convert_tokens_to_string` of MarianTokenizer and M2M100Tokenizer. */
export const createSentencePieceDecoder = (config: unknown): ((tokens: readonly string[]) => string[]) => {
  const settings = v.parse(schema, config);
  return (tokens) => {
    const texts: string[] = [];
    let between: string[] = [];
    const flush = (): void => {
      const text = decodeBetweenSpecials(between, settings);
      if (text !== '') texts.push(text);
      between = [];
    };
    for (const token of tokens) {
      if (!settings.separate_tokens.includes(token)) between.push(token);
      else {
        flush();
        texts.push(token);
      }
    }
    flush();
    return [texts.join(' ')];
  };
};
