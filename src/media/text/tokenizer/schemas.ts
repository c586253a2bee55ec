import * as v from 'valibot';

/** A pattern as `tokenizer.json` writes it. */
export const patternSchema = v.union([v.object({ String: v.string() }), v.object({ Regex: v.string() })]);

const kindSchema = v.object({ type: v.string() });

/** The part of a tokenizer that `config.type` names, made from `config`. @throws when there is no such kind */
export const createKind = <Part>(
  part: string,
  kinds: Readonly<Record<string, (config: unknown) => Part>>,
  config: unknown,
): Part => {
  const { type } = v.parse(kindSchema, config);
  const create = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (create === undefined)
    throw new TypeError(`${part} ${type} is not known (known: ${Object.keys(kinds).join(', ')})`);
  return create(config);
};

/**
 * Token → id. Not `v.record`, which leaves out the keys `constructor` and `prototype`: tokens like any other.
 * The ids are below 2²⁶.
 */
export const vocabularySchema = v.pipe(
  v.custom<Readonly<Record<string, number>>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((id) => Number.isInteger(id) && id >= 0 && id < 0x4000000),
    'Invalid vocabulary: expected ids by token',
  ),
  v.transform((vocabulary) => new Map(Object.entries(vocabulary))),
);
