import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';

export type Schema = Readonly<Record<string, unknown>>;

export const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type JsonType = (typeof TYPES)[number];

/** Keywords that limit values of a type. */
const OF_TYPE: Readonly<Record<string, readonly JsonType[]>> = {
  properties: ['object'],
  required: ['object'],
  additionalProperties: ['object'],
  items: ['array'],
  prefixItems: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
  minLength: ['string'],
  maxLength: ['string'],
  format: ['string'],
  pattern: ['string'],
  minimum: ['number'],
  maximum: ['number'],
  exclusiveMinimum: ['number'],
  exclusiveMaximum: ['number'],
};

/** Keywords that stand alone, but for notes such as `title`. */
const ALONE = ['$ref', 'const', 'enum', 'anyOf', 'oneOf', 'allOf'] as const;
type Alone = (typeof ALONE)[number];

/** Keywords that no grammar here can keep, each with the values that change nothing. */
const NOT_SERVED: Readonly<Record<string, readonly unknown[]>> = {
  not: [],
  if: [],
  dependentRequired: [],
  dependentSchemas: [],
  dependencies: [],
  patternProperties: [],
  propertyNames: [],
  minProperties: [0],
  maxProperties: [],
  unevaluatedProperties: [false, true],
  unevaluatedItems: [false, true],
  contains: [],
  uniqueItems: [false],
  multipleOf: [],
  additionalItems: [],
  $dynamicRef: [],
  $recursiveRef: [],
};

export const refuseSchema = (path: string, problem: string): never =>
  refuse('INVALID_REQUEST', `the JSON schema: ${path === '' ? 'the root' : path} ${problem}`);

/** A schema that is an object. @throws `INVALID_REQUEST` for a keyword that cannot be kept */
export const readSchema = (value: unknown, path: string): Schema => {
  if (!isObject(value)) return refuseSchema(path, `is ${show(value)}, expected an object`);
  for (const [name, harmless] of Object.entries(NOT_SERVED))
    if (value[name] !== undefined && !harmless.includes(value[name]))
      refuseSchema(path, `has "${name}": ${show(value[name])}, which is not supported here; leave it out`);
  return value;
};

/** The keyword of a schema that stands alone; undefined for a schema of types. @throws `INVALID_REQUEST` when others limit values beside it */
export const readAlone = (schema: Schema, path: string): Alone | undefined => {
  const [keyword, ...others] = ALONE.filter((name) => schema[name] !== undefined);
  if (keyword === undefined) return undefined;
  const isOfValues = keyword === 'const' || keyword === 'enum';
  const beside = [
    ...others,
    ...Object.keys(OF_TYPE).filter((name) => schema[name] !== undefined),
    ...(schema.type === undefined || isOfValues ? [] : ['type']),
  ];
  if (beside.length > 0) refuseSchema(path, `has "${beside[0]}" beside "${keyword}", which is not supported together`);
  return keyword;
};

const isType = (value: unknown): value is JsonType => TYPES.some((type) => type === value);

/** The types that `type` names; undefined where it is left out. */
export const readTypes = ({ type }: Schema, path: string): readonly JsonType[] | undefined => {
  if (type === undefined) return undefined;
  const types: unknown[] = Array.isArray(type) ? type : [type];
  if (types.length === 0 || !types.every(isType))
    return refuseSchema(path, `has "type": ${show(type)}, expected one or more of ${TYPES.join(', ')}`);
  return types;
};

/** The types of a schema without `type`: those that its keywords limit. */
export const impliedTypes = (schema: Schema): readonly JsonType[] => [
  ...new Set(Object.entries(OF_TYPE).flatMap(([name, types]) => (schema[name] === undefined ? [] : types))),
];

/** Tells whether a value of JSON has a type. */
export const hasType = (value: unknown, type: JsonType): boolean => {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
};

/** @throws `INVALID_REQUEST` unless it is left out or an integer from 0 */
export const readLength = (schema: Schema, name: string, path: string): number | undefined => {
  const value = schema[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return refuseSchema(path, `has "${name}": ${show(value)}, expected an integer from 0`);
};

/** @throws `INVALID_REQUEST` unless it is left out or a number */
export const readLimit = (schema: Schema, name: string, path: string): number | undefined => {
  const value = schema[name];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  return refuseSchema(path, `has "${name}": ${show(value)}, expected a number`);
};

/** @throws `INVALID_REQUEST` unless it is a list of at least one element */
export const readList = (value: unknown, name: string, path: string): readonly unknown[] =>
  Array.isArray(value) && value.length > 0
    ? value
    : refuseSchema(path, `has "${name}": ${show(value)}, expected a list with elements`);
