import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { literal } from './json-rules.ts';
import { readLength, readList, refuseSchema, type Schema } from './keywords.ts';
import { patternExpression } from './pattern-rule.ts';
import type { Rule, Visit } from './rule.ts';
import { TEXT_FORMATS } from './text-formats.ts';

const COMMA = 'space "," space';

/** `{low,high}` of EBNF. */
const times = (low: number, high: number | undefined): string =>
  low === 0 && high === undefined ? '*' : `{${low},${high ?? ''}}`;

/** The rule of texts. Formats that are not known are notes. */
export const textRule = (schema: Schema, path: string): Rule => {
  const low = readLength(schema, 'minLength', path);
  const high = readLength(schema, 'maxLength', path);
  const format = TEXT_FORMATS.get(String(schema.format));
  const pattern = schema.pattern === undefined ? undefined : patternExpression(schema.pattern, path);
  const hasLength = low !== undefined || high !== undefined;
  if ([format !== undefined, pattern !== undefined, hasLength].filter(Boolean).length > 1)
    refuseSchema(path, 'has two of a known "format", "pattern" and a length, which are not supported together');
  if ((low ?? 0) > (high ?? Number.POSITIVE_INFINITY)) refuseSchema(path, 'has "minLength" above "maxLength"');
  const known = format ?? pattern;
  if (known !== undefined) return { body: `"\\"" (${known}) "\\""`, needs: [[]] };
  if (low === undefined && high === undefined) return { body: 'text', needs: [[]] };
  return { body: `"\\"" character${times(low ?? 0, high)} "\\""`, needs: [[]] };
};

/** The rule of lists. All of `prefixItems` are written. */
export const arrayRule = (schema: Schema, path: string, visit: Visit): Rule => {
  const isTuple = schema.prefixItems !== undefined || Array.isArray(schema.items);
  const high = readLength(schema, 'maxItems', path);
  const tuple = isTuple ? readList(schema.prefixItems ?? schema.items, 'prefixItems', path).slice(0, high) : [];
  const first = tuple.map((each, index) => visit(each, `${path}/prefixItems/${index}`));
  const least = Math.max(0, (readLength(schema, 'minItems', path) ?? 0) - first.length);
  const items = Array.isArray(schema.items) ? true : (schema.items ?? true);
  const most = items === false ? 0 : high === undefined ? undefined : high - first.length;
  if (least > (most ?? Number.POSITIVE_INFINITY)) refuseSchema(path, 'has "minItems" above the most items that may be');
  const own = most === 0 ? undefined : visit(items, `${path}/items`);
  const needs = [[...first, ...(own !== undefined && least > 0 ? [own] : [])]];
  if (own === undefined) return { body: `"[" space ${[...first].join(` ${COMMA} `)} space "]"`, needs };
  if (first.length > 0)
    return { body: `"[" space ${first.join(` ${COMMA} `)} (${COMMA} ${own})${times(least, most)} space "]"`, needs };
  const rest = `(${COMMA} ${own})${times(Math.max(0, least - 1), most === undefined ? undefined : most - 1)}`;
  return { body: `"[" space (${own} ${rest})${least > 0 ? '' : '?'} space "]"`, needs };
};

interface Properties {
  readonly schemas: Schema;
  readonly required: ReadonlySet<string>;
}

/** The properties of a schema, those among them that only `required` names. */
const readProperties = (schema: Schema, path: string): Properties => {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  if (!isObject(properties)) return refuseSchema(path, `has "properties": ${show(properties)}, expected an object`);
  const names: unknown[] = Array.isArray(required) ? required : [required];
  const texts = names.filter((name) => typeof name === 'string');
  if (texts.length < names.length || !Array.isArray(required))
    return refuseSchema(path, `has "required": ${show(required)}, expected a list of names`);
  const unnamed = texts.filter((name) => !Object.hasOwn(properties, name));
  if (additionalProperties === false && unnamed.length > 0)
    refuseSchema(path, `requires ${show(unnamed[0])}, which "additionalProperties": false forbids`);
  const others = unnamed.map((name): [string, unknown] => [name, additionalProperties]);
  return { schemas: Object.fromEntries([...Object.entries(properties), ...others]), required: new Set(texts) };
};

/** The rule of objects: their properties in order, or any names where the schema has none. */
export const objectRule = (
  schema: Schema,
  path: string,
  visit: Visit,
  name: string,
  rules: Map<string, Rule>,
): Rule => {
  const { schemas, required } = readProperties(schema, path);
  const entries = Object.entries(schemas);
  if (entries.length === 0) {
    const { additionalProperties: others = true } = schema;
    if (others === true) return { body: 'object', needs: [[]] };
    if (others === false) return { body: '"{" space "}"', needs: [[]] };
    const pair = `text space ":" space ${visit(others, `${path}/additionalProperties`)}`;
    return { body: `"{" space (${pair} (${COMMA} ${pair})*)? space "}"`, needs: [[]] };
  }
  const values = entries.map(([key, value]) => visit(value, `${path}/properties/${key}`));
  const isRequired = entries.map(([key]) => required.has(key));
  const needs = [values.filter((_, index) => isRequired[index])];
  // Behind each property, a rule for what may follow: at the beginning, and after another property, which takes a comma.
  for (let index = entries.length; index >= 0; index -= 1)
    for (const place of ['first', 'next']) {
      const skip = `${name}${place}${index + 1}`;
      const pair = `${literal(JSON.stringify(entries[index]?.[0] ?? ''))} space ":" space ${values[index]} ${name}next${index + 1}`;
      const own = place === 'first' ? pair : `${COMMA} ${pair}`;
      const body = index === entries.length ? '""' : isRequired[index] ? own : `${own} | ${skip}`;
      rules.set(`${name}${place}${index}`, { body, needs: [[]] });
    }
  return { body: `"{" space ${name}first0 space "}"`, needs };
};
