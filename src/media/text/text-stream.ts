import type { Tokenizer } from './tokenizer.ts';

/** Tokens before the first one of a stream that its text may depend on: a space, or the beginning of a character. */
const CONTEXT_TOKENS = 16;

/** A token of one byte, of which a character has several. */
const BYTE_TOKEN = /^<0x[0-9A-Fa-f]{2}>$/;

/** Text that comes token by token. */
export interface TextStream {
  /** @returns the text that became certain; empty while a character is incomplete */
  push(id: number): string;
  /** @returns the rest, an incomplete character among it */
  end(): string;
}

/**
 * Decodes tokens as they come, after those of `context`. The pieces joined are the text of all tokens: a piece ends where a later token
 * changes nothing, so that no character is cut. Special tokens have no text. Bytes of the context are left out: its characters are whole.
 */
export const createTextStream = (tokenizer: Tokenizer, context: readonly number[] = []): TextStream => {
  const isByte = (id: number): boolean => BYTE_TOKEN.test(tokenizer.token(id) ?? '');
  const hasText = (id: number): boolean => tokenizer.token(id) !== undefined && !tokenizer.isSpecial(id);
  const decode = (ids: readonly number[]): string => tokenizer.decode(ids, { cleanUp: false });
  /** Tokens whose text is told, and which the next tokens are decoded with. */
  let told = context.filter((id) => hasText(id) && !isByte(id)).slice(-CONTEXT_TOKENS);
  let open: number[] = [];

  const take = (isCertain: (text: string) => boolean): string => {
    const before = decode(told);
    const text = decode([...told, ...open]);
    const piece = text.slice(before.length);
    if (piece === '' || !isCertain(text)) return '';
    told = open;
    open = [];
    return piece;
  };

  return {
    push(id) {
      if (!hasText(id)) return '';
      open.push(id);
      if (isByte(id)) return '';
      return take((text) => !text.endsWith('\ufffd'));
    },
    end: () => (open.length === 0 ? '' : take(() => true)),
  };
};
