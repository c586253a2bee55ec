import * as v from 'valibot';
import { SPACE_SYMBOL } from './characters.ts';

const schema = v.object({
  /** Pieces that stand for no text. */
  control_symbols: v.array(v.string()),
  /** Whether a space before the text is none of it, and whether any number of them are. */
  add_dummy_prefix: v.boolean(),
  remove_extra_whitespaces: v.boolean(),
  /** Tokens that a text is decoded between, and what follows them. */
  special_tokens: v.array(v.string()),
  after_special_token: v.string(),
  /** Tokens that stand alone, between spaces. */
  separate_tokens: v.array(v.string()),
});

type Settings = v.InferOutput<typeof schema>;

/** The text of pieces, as `Decode` of sentencepiece_processor.cc. */
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

/** As `convert_tokens_to_string` of MarianTokenizer and M2M100Tokenizer, whose tokens are pieces of a sentencepiece model. */
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
