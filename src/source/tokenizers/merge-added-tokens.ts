import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { isObject } from '../../core/is-object.ts';
import type { Settings } from '../settings-file.ts';
import { defaultsOf } from './class-defaults.ts';
import {
  type AddedToken,
  addedToken,
  addedTokenSchema,
  additionalTokens,
  type NamedToken,
  namedTokens,
  textOf,
} from './special-tokens.ts';
import { naming, type TokenizerFolder } from './tokenizer-folder.ts';

const fileSchema = v.array(v.object({ id: v.number(), ...addedTokenSchema.entries }));
const piecesSchema = v.array(v.tuple([v.string(), v.unknown()]));

/** The ids of the vocabulary in tokenizer.json: an object, or a list of pieces. */
const vocabularyOf = ({ model }: Settings): ReadonlyMap<string, number> => {
  const vocabulary = isObject(model) ? model.vocab : undefined;
  if (isObject(vocabulary))
    return new Map(Object.entries(vocabulary).flatMap(([token, id]) => (typeof id === 'number' ? [[token, id]] : [])));
  const pieces = v.safeParse(piecesSchema, vocabulary);
  return new Map(pieces.success ? pieces.output.map(([piece], id) => [piece, id]) : []);
};

/** Added tokens by their text, in the order of tokenizer.json. */
interface Tokens {
  readonly byText: Map<string, AddedToken>;
  readonly vocabulary: ReadonlyMap<string, number>;
}

const findId = ({ byText, vocabulary }: Tokens, content: string): number | undefined =>
  byText.get(content)?.id ?? vocabulary.get(content);

const nextId = ({ byText, vocabulary }: Tokens): number =>
  Math.max(vocabulary.size, ...[...byText.values()].map(({ id }) => id + 1));

/** `added_tokens_decoder` by its ids; before 4.34 added_tokens.json, whose tokens are matched in normalised form unless they are special. */
const recordedTokens = ({ settings, addedTokens }: TokenizerFolder, specials: ReadonlySet<string>): AddedToken[] => {
  const { added_tokens_decoder: recorded } = settings;
  const tokens =
    recorded === undefined
      ? Object.entries(addedTokens).map(([content, id]) => {
          const special = specials.has(content);
          return addedToken(v.parse(v.number(), id), content, { special, normalized: !special });
        })
      : Object.entries(v.parse(v.record(v.string(), addedTokenSchema), recorded)).map(([id, token]) => ({
          ...token,
          id: Number(id),
        }));
  return tokens.sort((a, b) => a.id - b.id);
};

/**
 * Adds a special token as the constructor does. Flags change a token that is there; a text alone does not. A token that the vocabulary lacks is
 * left out, because no graph has a row for it.
 */
const addSpecial = (tokens: Tokens, token: NamedToken): void => {
  const { content, ...flags } = typeof token === 'string' ? { content: token } : token;
  const id = findId(tokens, content);
  if (id === undefined || (typeof token === 'string' && tokens.byText.has(content))) return;
  tokens.byText.set(content, addedToken(id, content, { ...flags, special: true }));
};

/** Adds special tokens by their roles. A text among `known` has the flags of the known token. */
const addSpecials = (tokens: Tokens, folder: TokenizerFolder, known: ReadonlySet<string>): void => {
  const { settings, className } = folder;
  const { tokens: defaults, additional = [] } = defaultsOf(className);
  for (const [role, token] of namedTokens(folder)) {
    const content = textOf(token);
    const { [role]: flags } = defaults;
    if (!known.has(content))
      addSpecial(tokens, typeof flags === 'object' ? { ...flags, ...toFlags(token), content } : token);
  }
  for (const [role, token] of Object.entries(defaults)) if (settings[role] === undefined) addSpecial(tokens, token);
  for (const token of additionalTokens(folder)) addSpecial(tokens, token);
  if (settings.additional_special_tokens === undefined) for (const token of additional) addSpecial(tokens, token);
};

const toFlags = (token: NamedToken): object => (typeof token === 'object' ? token : {});

/**
 * `tokens_to_add` in the constructor of all fast tokenizers: tokens that tokenizer_config.json records, and its special tokens, are found in a
 * text as they stand. Recorded flags win over those in tokenizer.json.
 */
export const withAddedTokens = (parts: Settings, folder: TokenizerFolder): Settings => {
  const file = naming('tokenizer.json: added_tokens', () => v.parse(fileSchema, parts.added_tokens ?? []));
  const tokens: Tokens = {
    byText: new Map(file.map((token) => [token.content, token])),
    vocabulary: vocabularyOf(parts),
  };
  const named = [...namedTokens(folder).map(([, token]) => token), ...additionalTokens(folder)];
  const specials = new Set(named.map(textOf));
  const isOld = folder.settings.added_tokens_decoder === undefined;
  const recorded = naming(isOld ? 'added_tokens.json' : 'tokenizer_config.json: added_tokens_decoder', () =>
    recordedTokens(folder, specials),
  );
  for (const token of recorded) {
    const special = token.special || specials.has(token.content);
    const id = findId(tokens, token.content) ?? nextId(tokens);
    tokens.byText.set(token.content, { ...token, id, special });
  }
  addSpecials(tokens, folder, new Set([...recorded, ...(isOld ? file : [])].map(({ content }) => content)));
  const merged = [...tokens.byText.values()];
  return isDeepStrictEqual(merged, file) ? parts : { ...parts, added_tokens: merged };
};
