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
  extraTokens,
  type NamedToken,
  namedTokens,
  ROLES,
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

/** Added tokens as the library keeps them: a token that is added again gets its new flags, and is found in a text as before. */
interface Tokens {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The last flags, by text. */
  readonly byText: Map<string, AddedToken>;
  /** Special tokens are found in a text as they came first. Other tokens are found in each way that they came. */
  readonly special: Map<string, AddedToken>;
  readonly others: AddedToken[];
}

const findId = ({ byText, vocabulary }: Tokens, content: string): number | undefined =>
  byText.get(content)?.id ?? vocabulary.get(content);

const nextId = ({ byText, vocabulary }: Tokens): number =>
  Math.max(vocabulary.size, ...[...byText.values()].map(({ id }) => id + 1));

/** `AddedVocabulary::add_tokens` of the library. */
const addTokens = (tokens: Tokens, added: readonly AddedToken[]): void => {
  for (const token of added)
    if (token.special && !tokens.special.has(token.content)) tokens.special.set(token.content, token);
  for (const token of added) {
    if (isDeepStrictEqual(tokens.byText.get(token.content), token)) continue;
    tokens.byText.set(token.content, token);
    if (!tokens.special.has(token.content)) tokens.others.push(token);
  }
};

/** The list for tokenizer.json, from which the same tokens are found: equal texts may differ in `normalized`, and have the last flags. */
const toList = ({ byText, special, others }: Tokens): AddedToken[] => {
  const found = Map.groupBy([...special.values(), ...others], ({ content }) => content);
  return [...byText].flatMap(([content, last]) =>
    [...new Set(found.get(content)?.map(({ normalized }) => normalized))].map((normalized) => ({
      ...last,
      normalized,
      special: special.has(content),
    })),
  );
};

/** `added_tokens_decoder` by its ids; before 4.34 added_tokens.json, whose tokens are matched in normalised form unless they are special. */
const recordedTokens = (
  { settings, addedTokens }: TokenizerFolder,
  specials: ReadonlySet<string>,
  file: readonly AddedToken[],
): AddedToken[] => {
  const { added_tokens_decoder: recorded } = settings;
  const inFile = new Set(file.map(({ id }) => id));
  const tokens =
    recorded === undefined
      ? Object.entries(addedTokens).flatMap(([content, value]) => {
          const id = v.parse(v.number(), value);
          const special = specials.has(content);
          return inFile.has(id) ? [] : [addedToken(id, content, { special, normalized: !special })];
        })
      : Object.entries(v.parse(v.record(v.string(), addedTokenSchema), recorded)).map(([id, token]) => ({
          ...token,
          id: Number(id),
        }));
  return tokens.sort((a, b) => a.id - b.id);
};

/** `all_special_tokens_extended`: of roles with the same text the first one. A text among `known` has the flags of the known token. */
const specialsOf = (folder: TokenizerFolder, known: ReadonlySet<string>): NamedToken[] => {
  const { settings, className } = folder;
  const { tokens: defaults, additional = [] } = defaultsOf(className);
  const named = new Map(namedTokens(folder));
  const byRole = ROLES.flatMap((role): NamedToken[] => {
    const { [role]: flags } = defaults;
    const token = named.get(role);
    if (token === undefined) return settings[role] === undefined && flags !== undefined ? [flags] : [];
    const content = textOf(token);
    if (known.has(content)) return [content];
    return [typeof flags === 'object' ? { ...flags, ...toFlags(token), content } : token];
  });
  const more = settings.additional_special_tokens === undefined ? additional : additionalTokens(folder);
  const all = [...byRole, ...more, ...extraTokens(folder)];
  return all.filter((token, index) => all.findIndex((other) => textOf(other) === textOf(token)) === index);
};

const toFlags = (token: NamedToken): object => (typeof token === 'object' ? token : {});

/**
 * `tokens_to_add` in the constructor of all fast tokenizers: tokens that tokenizer_config.json records, and its special tokens, are found in a
 * text as they stand. Recorded flags win over those in tokenizer.json. A special token that the vocabulary lacks is left out, because no graph
 * has a row for it.
 */
export const withAddedTokens = (parts: Settings, folder: TokenizerFolder): Settings => {
  const file = naming('tokenizer.json: added_tokens', () => v.parse(fileSchema, parts.added_tokens ?? []));
  const tokens: Tokens = { vocabulary: vocabularyOf(parts), byText: new Map(), special: new Map(), others: [] };
  addTokens(tokens, file);
  const named = [...namedTokens(folder).map(([, token]) => token), ...additionalTokens(folder), ...extraTokens(folder)];
  const names = new Set(named.map(textOf));
  const isOld = folder.settings.added_tokens_decoder === undefined;
  const recorded = naming(isOld ? 'added_tokens.json' : 'tokenizer_config.json: added_tokens_decoder', () =>
    recordedTokens(folder, names, file),
  );
  const known = new Set([...recorded, ...(isOld ? file : [])].map(({ content }) => content));
  const specials = specialsOf(folder, known);
  const all = new Set([...names, ...specials.map(textOf)]);
  for (const token of recorded) {
    const id = findId(tokens, token.content) ?? nextId(tokens);
    addTokens(tokens, [{ ...token, id, special: token.special || all.has(token.content) }]);
  }
  for (const token of specials) {
    const { content, ...flags } = typeof token === 'string' ? { content: token } : token;
    const id = findId(tokens, content);
    if (id === undefined) continue;
    const before = tokens.byText.get(content);
    if (typeof token === 'string' && before !== undefined) {
      if (isOld && !before.special) addTokens(tokens, [{ ...before, special: true }]);
      continue;
    }
    addTokens(tokens, [addedToken(id, content, { ...flags, special: true })]);
  }
  const merged = toList(tokens);
  return isDeepStrictEqual(merged, file) ? parts : { ...parts, added_tokens: merged };
};
