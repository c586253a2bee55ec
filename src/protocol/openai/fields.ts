import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';

/** The fields of a request to OpenAI's API, not checked yet; none is null. */
export type Fields = Readonly<Record<string, unknown>>;

/** Fields that OpenAI's clients send, and that change no answer. */
const IGNORED = [
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
];

/** The fields of a document; null counts as left out. @throws `INVALID_REQUEST` for no object, and for a field that is not among `known` */
export const parseFields = (document: unknown, known: readonly string[]): Fields => {
  if (!isObject(document)) return refuse('INVALID_REQUEST', `the body is ${show(document)}, expected a JSON object`);
  const given = Object.entries(document).filter(([name, value]) => value !== null && !IGNORED.includes(name));
  const unknown = given.find(([name]) => !known.includes(name));
  if (unknown)
    refuse('INVALID_REQUEST', `the field ${show(unknown[0])} is not supported here, there are: ${known.join(', ')}`);
  return Object.fromEntries(given);
};

/** @throws `INVALID_REQUEST` */
export const refuseField = (name: string, value: unknown, expected: string): never =>
  refuse('INVALID_REQUEST', `"${name}" is ${show(value)}, expected ${expected}`);

/** A field with the value of a choice. @throws `INVALID_REQUEST` */
export const readFieldChoice = <C extends string>(
  fields: Fields,
  name: string,
  choices: readonly C[],
  fallback: C,
): C => {
  const value = fields[name] ?? fallback;
  return choices.find((choice) => choice === value) ?? refuseField(name, value, `one of ${choices.join(', ')}`);
};

/** The fields of `names` that were given, as they are. */
export const pickFields = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
