/** A schema of JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export const STRING: JsonSchema = { type: 'string' };
export const NUMBER: JsonSchema = { type: 'number' };
export const INTEGER: JsonSchema = { type: 'integer' };
export const BOOLEAN: JsonSchema = { type: 'boolean' };

/** An object of any names. Generators of types take one that does not say so as empty. */
export const OBJECT: JsonSchema = { type: 'object', additionalProperties: true };

/** An object with `properties`, all of which are required but those in `optional`. */
export const objectOf = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema => ({
  type: 'object',
  properties: { ...properties, ...optional },
  ...(Object.keys(properties).length > 0 && { required: Object.keys(properties) }),
});

export const arrayOf = (items: JsonSchema, bounds: JsonSchema = {}): JsonSchema => ({
  type: 'array',
  items,
  ...bounds,
});

/** A value, or a list of such values. */
export const oneOrMany = (schema: JsonSchema, bounds: JsonSchema = {}): JsonSchema => ({
  anyOf: [schema, arrayOf(schema, { minItems: 1, ...bounds })],
});

export const reference = (kind: string, name: string): JsonSchema => ({ $ref: `#/components/${kind}/${name}` });
