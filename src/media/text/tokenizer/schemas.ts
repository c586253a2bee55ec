import * as v from 'valibot';

/** Most ids of a vocabulary, so that a pair of ids is an exact number. */
export const MAX_IDS = 2 ** 26;

/** A pattern in `tokenizer.json`. */
export const patternSchema = v.union([v.object({ String: v.string() }), v.object({ Regex: v.string() })]);

const kindSchema = v.object({ type: v.string() });

/** Creates the component of the kind that `config.type` names. @throws TypeError for an unknown kind */
export const createKind = <Component>(
  component: string,
  kinds: Readonly<Record<string, (config: unknown) => Component>>,
  config: unknown,
): Component => {
  const { type } = v.parse(kindSchema, config);
  const create = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (create === undefined)
    throw new TypeError(`${component} ${type} is not known (known: ${Object.keys(kinds).join(', ')})`);
  return create(config);
};

/**
 * Ids by token. `v.record` would leave out the tokens `constructor` and `prototype`.
 */
export const vocabularySchema = v.pipe(
  v.custom<Readonly<Record<string, number>>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((id) => Number.isInteger(id) && id >= 0 && id < MAX_IDS),
    'Invalid vocabulary: expected ids by token',
  ),
  v.transform((vocabulary) => new Map(Object.entries(vocabulary))),
);
