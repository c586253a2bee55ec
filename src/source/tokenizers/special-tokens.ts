import * as v from 'valibot';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { LARGEST_ID, naming, type TokenizerFolder } from './tokenizer-folder.ts';

/** A token that is found in a text as it stands, as `tokenizer.json` writes it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

export const addedTokenSchema = v.object({
  content: v.string(),
  single_word: v.optional(v.boolean(), false),
  lstrip: v.optional(v.boolean(), false),
  rstrip: v.optional(v.boolean(), false),
  normalized: v.optional(v.boolean(), true),
  special: v.optional(v.boolean(), false),
});

/** Special tokens by their roles, in the order in which they are added. */
export const ROLES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((role) => `${role}_token`);

const namedTokenSchema = v.union([
  v.string(),
  v.object({
    content: v.string(),
    single_word: v.optional(v.boolean(), false),
    lstrip: v.optional(v.boolean(), false),
    rstrip: v.optional(v.boolean(), false),
    normalized: v.optional(v.boolean(), false),
  }),
]);

/** A special token as the settings name it: its text, perhaps with flags. */
export type NamedToken = string | (Partial<AddedToken> & Pick<AddedToken, 'content'>);

/** The text of a special token such as `pad_token`. */
export const specialToken = ({ settings }: TokenizerFolder, name: string, otherwise: string): string =>
  naming('tokenizer_config.json', () => {
    const token = v.parse(v.nullish(namedTokenSchema), settings[name], { message: `"${name}" is no token` });
    return (typeof token === 'object' ? token?.content : token) ?? otherwise;
  });

/** Tells whether the settings say that there is no such token, in the place of that of the class. */
export const isWithout = ({ settings }: TokenizerFolder, role: string): boolean => settings[role] === null;

export const textOf = (token: NamedToken): string => (typeof token === 'string' ? token : token.content);

/** The special tokens that the settings name, with their roles. */
export const namedTokens = ({ settings }: TokenizerFolder): (readonly [role: string, token: NamedToken])[] =>
  naming('tokenizer_config.json', () =>
    ROLES.flatMap((role) => {
      const token = v.parse(v.nullish(namedTokenSchema), settings[role], { message: `"${role}" is no token` });
      return token === null || token === undefined ? [] : [[role, token] as const];
    }),
  );

const tokenListSchema = v.nullish(v.array(namedTokenSchema), []);

/** `additional_special_tokens`. */
export const additionalTokens = ({ settings }: TokenizerFolder): NamedToken[] =>
  naming('tokenizer_config.json', () => v.parse(tokenListSchema, settings.additional_special_tokens));

/** `extra_special_tokens`: the tokens by roles of the model's own, or a list as transformers 5 writes it. */
export const extraTokens = ({ settings: { extra_special_tokens: extra } }: TokenizerFolder): NamedToken[] =>
  naming('tokenizer_config.json: extra_special_tokens', () =>
    Array.isArray(extra)
      ? v.parse(tokenListSchema, extra)
      : Object.values(v.parse(v.nullish(v.record(v.string(), namedTokenSchema), {}), extra)),
  );

/** The id of a token that has to have one. */
export const requireId = (vocabulary: ReadonlyMap<string, number>, token: string, path: string): number =>
  vocabulary.get(token) ?? refuse('MODEL_INVALID', `${path} lacks the special token ${show(token)}`);

/**
 * `added_tokens_decoder` of tokenizer_config.json; `undefined` where it is not there, as before 4.34.
 * @throws `MODEL_INVALID` when it contradicts the vocabulary, the file `path`
 */
export const recordedTokens = (
  { settings }: TokenizerFolder,
  vocabulary: ReadonlyMap<string, number>,
  path: string,
): AddedToken[] | undefined => {
  const { added_tokens_decoder: recorded } = settings;
  if (recorded === undefined) return undefined;
  return naming('tokenizer_config.json: added_tokens_decoder', () => {
    const byId = Object.entries(v.parse(v.record(v.string(), addedTokenSchema), recorded));
    const tokens = new Map([...vocabulary].map(([token, id]) => [id, token]));
    return byId.map(([key, token]) => {
      const id = Number(key);
      if (!/^\d+$/.test(key) || id > LARGEST_ID)
        refuse('MODEL_INVALID', `${show(key)} is no id from 0 to ${LARGEST_ID}`);
      const known = vocabulary.get(token.content) ?? id;
      if (known !== id) refuse('MODEL_INVALID', `${show(token.content)} has the id ${id}, and ${known} in ${path}`);
      const other = tokens.get(id) ?? token.content;
      if (other !== token.content)
        refuse('MODEL_INVALID', `${id} is ${show(token.content)}, and ${show(other)} in ${path}`);
      return { id, ...token };
    });
  });
};

/** A special token as `transformers` adds it by default. */
export const addedToken = (id: number, content: string, more: Partial<AddedToken> = {}): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...more,
});

/** Each id once, as the last one has it, in order. */
export const inOrder = (tokens: readonly AddedToken[]): AddedToken[] =>
  [...new Map(tokens.map((token) => [token.id, token])).values()].sort((a, b) => a.id - b.id);
