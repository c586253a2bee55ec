import type { AddedToken } from './special-tokens.ts';

/** A part of tokenizer.json that names its kind. */
export type Part = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface TokenizerParts {
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Part | null;
  readonly pre_tokenizer: Part | null;
  readonly post_processor: Part | null;
  readonly decoder: Part;
  readonly model: Part;
}

/** The contents of tokenizer.json. */
export const tokenizerJson = ({ added_tokens, ...parts }: TokenizerParts): object => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens,
  ...parts,
});

/** A template such as `<s> $A </s>`; `:1` behind a part is its type. The ids are those of its special tokens. */
export const template = (single: string, pair: string, ids: Readonly<Record<string, number>>): Part => ({
  type: 'TemplateProcessing',
  single: single.split(' ').map(templatePiece),
  pair: pair.split(' ').map(templatePiece),
  special_tokens: Object.fromEntries(
    Object.entries(ids).map(([token, id]) => [token, { id: token, ids: [id], tokens: [token] }]),
  ),
});

const templatePiece = (piece: string): object => {
  const type_id = piece.endsWith(':1') ? 1 : 0;
  const id = piece.replace(/:1$/, '');
  return id.startsWith('$') ? { Sequence: { id: id.slice(1), type_id } } : { SpecialToken: { id, type_id } };
};
