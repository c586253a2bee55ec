import { isObject } from '../../core/is-object.ts';
import { hasType, type JsonType, readTypes, refuseSchema, TYPES } from './keywords.ts';
import { followReferences } from './resolve-reference.ts';

/** The values of `const` or `enum`, as JSON; undefined for a schema that does not list its values. */
const listed = (schema: unknown): readonly unknown[] | undefined => {
  if (!isObject(schema)) return undefined;
  if (schema.const !== undefined) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
};

const typesOf = (schema: unknown): readonly JsonType[] => {
  const values = listed(schema);
  if (values !== undefined) return TYPES.filter((type) => values.some((value) => hasType(value, type)));
  return (isObject(schema) ? readTypes(schema, '') : undefined) ?? TYPES;
};

const areApart = (a: unknown, b: unknown): boolean => {
  const [own, others] = [listed(a), listed(b)];
  if (own === undefined || others === undefined) return false;
  const texts = new Set(own.map((value) => JSON.stringify(value)));
  return !others.some((value) => texts.has(JSON.stringify(value)));
};

const requiredOf = (schema: unknown): readonly unknown[] =>
  isObject(schema) && Array.isArray(schema.required) ? schema.required : [];

const propertyOf = (schema: unknown, name: string): unknown =>
  isObject(schema) && isObject(schema.properties) ? schema.properties[name] : undefined;

/** True when no value can fit both schemas, by their types, their lists of values, or a required property that has different values. */
const exclude = (a: unknown, b: unknown): boolean => {
  const types = (schema: unknown): readonly string[] =>
    typesOf(schema).map((type) => (type === 'integer' ? 'number' : type));
  const shared = types(a).filter((type) => types(b).includes(type));
  if (shared.length === 0 || areApart(a, b)) return true;
  if (!shared.every((type) => type === 'object')) return false;
  return requiredOf(a).some(
    (name) =>
      typeof name === 'string' && requiredOf(b).includes(name) && areApart(propertyOf(a, name), propertyOf(b, name)),
  );
};

/** @throws `INVALID_REQUEST` when a value may fit several of the schemas in `oneOf` */
export const assertApart = (alternatives: readonly unknown[], root: unknown, path: string): void => {
  const targets = alternatives.map((each) => followReferences(root, each, path));
  for (const [index, each] of targets.entries())
    if (targets.slice(0, index).some((other) => !exclude(each, other)))
      refuseSchema(
        path,
        'has "oneOf" with alternatives that may fit together; use "anyOf", or give each a required property with a "const" of its own',
      );
};
