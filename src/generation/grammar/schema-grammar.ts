import { show } from '../../core/show.ts';
import { arrayRule, objectRule, textRule } from './compound-rules.ts';
import { JSON_RULES, literal } from './json-rules.ts';
import {
  hasType,
  impliedTypes,
  type JsonType,
  readAlone,
  readLimit,
  readList,
  readSchema,
  readTypes,
  refuseSchema,
  type Schema,
} from './keywords.ts';
import { type NumberLimits, numberRule } from './number-rules.ts';
import { assertApart } from './overlap.ts';
import { resolveReference } from './resolve-reference.ts';
import type { Rule, Visit } from './rule.ts';

const MOST_RULES = 2_000;
const MOST_CHARACTERS = 65_536;
/** Schemas within one another, also by way of references. */
const DEEPEST = 64;

const ANY: Rule = { body: 'any', needs: [[]] };

const LIMITS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const;

const readLimits = (schema: Schema, path: string): NumberLimits =>
  Object.fromEntries(LIMITS.map((name) => [name, readLimit(schema, name, path)]));

const numberOf = (schema: Schema, path: string, isInteger: boolean): Rule => {
  const limits = readLimits(schema, path);
  if (Object.values(limits).every((limit) => limit === undefined))
    return { body: isInteger ? 'integer' : 'number', needs: [[]] };
  const body = numberRule(limits, isInteger);
  return body === undefined ? refuseSchema(path, 'has limits that no number here keeps') : { body, needs: [[]] };
};

const valuesRule = (schema: Schema, values: readonly unknown[], path: string): Rule => {
  const types = readTypes(schema, path);
  const fitting = values.filter((value) => types?.some((type) => hasType(value, type)) ?? true);
  if (fitting.length === 0) refuseSchema(path, `has no value of its type: ${show(values)}`);
  return { body: fitting.map((value) => literal(JSON.stringify(value))).join(' | '), needs: [[]] };
};

const choiceRule = (names: readonly string[]): Rule => ({
  body: names.join(' | '),
  needs: names.map((name) => [name]),
});

/** Adds the rules of a document's schemas to `rules`. @throws `INVALID_REQUEST` */
const createVisit = (rules: Map<string, Rule>, root: unknown, prefix: string): Visit => {
  const names = new Map<unknown, string>();
  let depth = 0;

  const ofType = (type: JsonType, schema: Schema, path: string): Rule => {
    if (type === 'object') return objectRule(schema, path, visit, names.get(schema) ?? prefix, rules);
    if (type === 'array') return arrayRule(schema, path, visit);
    if (type === 'string') return textRule(schema, path);
    if (type === 'boolean') return { body: '"true" | "false"', needs: [[]] };
    if (type === 'null') return { body: '"null"', needs: [[]] };
    return numberOf(schema, path, type === 'integer');
  };

  const ofTypes = (schema: Schema, path: string): Rule => {
    const types = readTypes(schema, path) ?? impliedTypes(schema);
    if (types.length === 0) return ANY;
    const own = types.map((type) => ofType(type, schema, path));
    return {
      body: own.map(({ body }) => (own.length === 1 ? body : `(${body})`)).join(' | '),
      needs: own.flatMap(({ needs }) => needs),
    };
  };

  const build = (schema: Schema, path: string): Rule => {
    const keyword = readAlone(schema, path);
    if (keyword === undefined) return ofTypes(schema, path);
    if (keyword === 'const') return valuesRule(schema, [schema.const], path);
    if (keyword === '$ref') return choiceRule([visit(resolveReference(root, schema.$ref, path), String(schema.$ref))]);
    const list = readList(schema[keyword], keyword, path);
    if (keyword === 'enum') return valuesRule(schema, list, path);
    if (keyword === 'oneOf') assertApart(list, root, path);
    if (keyword === 'allOf' && list.length > 1)
      refuseSchema(path, 'has "allOf" with several schemas, which is not supported here; write one schema');
    return choiceRule(list.map((each, index) => visit(each, `${path}/${keyword}/${index}`)));
  };

  const visit: Visit = (schema, path) => {
    if (schema === true) return 'any';
    const known = names.get(schema);
    if (known !== undefined) return known;
    if (schema === false) refuseSchema(path, 'is false: no value fits it');
    if (depth >= DEEPEST) refuseSchema(path.slice(0, 80), 'is nested too deep');
    const own = readSchema(schema, path);
    const name = `${prefix}${names.size}`;
    names.set(schema, name);
    rules.set(name, ANY); // takes its place among the rules until it is known
    depth += 1;
    rules.set(name, build(own, path));
    depth -= 1;
    if (rules.size > MOST_RULES) refuseSchema(path, `is one of more than ${MOST_RULES} parts; make it smaller`);
    return name;
  };
  return visit;
};

/** Rules that have a finite value. */
const finiteRules = (rules: ReadonlyMap<string, Rule>): ReadonlySet<string> => {
  const finite = new Set<string>(Object.keys(JSON_RULES));
  for (let before = -1; before < finite.size; ) {
    before = finite.size;
    for (const [name, { needs }] of rules)
      if (needs.some((all) => all.every((each) => finite.has(each)))) finite.add(name);
  }
  return finite;
};

/** A function that a model may call. */
export interface CallSchema {
  readonly name: string;
  /** The JSON schema of its arguments; undefined or null for none. */
  readonly parameters: unknown;
}

const NO_ARGUMENTS = { type: 'object', properties: {}, additionalProperties: false };

/** A schema as plain JSON. Integers beyond 2^53, which bodies give as bigint, become numbers. */
const readDocument = (schema: unknown, path: string): unknown => {
  const toText = (): string => {
    try {
      return JSON.stringify(schema, (_name, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
    } catch {
      return refuseSchema(path, 'is nested too deep'); // JSON.stringify recurses
    }
  };
  const text = toText();
  if (text.length > MOST_CHARACTERS)
    refuseSchema(path, `has ${text.length} characters of JSON, at most ${MOST_CHARACTERS} are taken`);
  return JSON.parse(text);
};

/**
 * The grammar of JSON that fits one of the schemas, or is a call of one of the functions, in EBNF of XGrammar. It is narrower than the
 * schema where that needs no choice of the model: properties come in their order, and none that the schema does not name.
 * @throws `INVALID_REQUEST` for a schema that no value fits, or with a keyword that the grammar cannot keep
 */
export const toGrammar = (schemas: readonly unknown[], calls: readonly CallSchema[] = []): string => {
  const rules = new Map<string, Rule>();
  const roots = schemas.map((schema, index) => {
    const document = readDocument(schema, '');
    return createVisit(rules, document, `s${index}x`)(document, '');
  });
  for (const [index, { name, parameters }] of calls.entries()) {
    const path = `parameters of ${show(name)}`;
    const document = readDocument(parameters ?? NO_ARGUMENTS, path);
    const given = createVisit(rules, document, `c${index}x`)(document, path);
    const own = rules.get(given)?.body === ANY.body ? 'object' : given; // arguments have names, whatever the schema lacks
    const pair = (key: string, value: string): string => `${literal(JSON.stringify(key))} space ":" space ${value}`;
    const called = pair('name', literal(JSON.stringify(name)));
    const body = `"{" space ${called} space "," space ${pair('arguments', own)} space "}"`;
    rules.set(`call${index}`, { body, needs: [[own]] });
    roots.push(`call${index}`);
  }
  const finite = finiteRules(rules);
  const endless = [...rules.keys()].find((name) => !finite.has(name));
  if (endless !== undefined)
    refuseSchema('', 'has a part that refers to itself without an end, so that no value fits it');
  const all = { root: roots.join(' | '), ...JSON_RULES };
  return [...Object.entries(all), ...[...rules].map(([name, { body }]) => [name, body] as const)]
    .map(([name, body]) => `${name} ::= ${body}`)
    .join('\n');
};
