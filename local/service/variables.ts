import { DEFAULT_REGION, LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';
import { isObject } from '../../src/core/is-object.ts';
import { show } from '../../src/core/show.ts';

/** YAML, as it was read. */
type Fields = Readonly<Record<string, unknown>>;

export interface VariableOptions {
  /** Values of `param:`, which go before those under `params: default`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Names of resources, by logical id. A resource without one is called by its logical id. */
  readonly names: Readonly<Record<string, string>>;
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((inner, name) => (isObject(inner) ? inner[name] : undefined), value);

/** `${source:address}` or `${source:address, default}` with no other variable inside. `${AWS::Region}` is one of CloudFormation. */
const VARIABLE = /\$\{(?!AWS::)(\w+):([^${},]*)(?:,\s*([^${}]*))?\}/;
/** A variable of a source with arguments, which nothing here reads. */
const CALL = /\$\{\w+\([^}]*\}/;
const NAMES_OF_PARAMETERS = /\$\{param:\s*([\w-]+)/g;

const CONSTANTS: Readonly<Record<string, unknown>> = {
  'sls:stage': 'local',
  'aws:region': DEFAULT_REGION,
  'aws:accountId': LOCAL_ACCOUNT,
};
const LITERAL = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?)$/;

/** The block of `params` that holds for every stage. */
export const defaultParameters = (root: unknown): Fields => {
  const defaults = valueAt(root, ['params', 'default']);
  return isObject(defaults) ? defaults : {};
};

/** The stage parameters of a serverless.yml: those with a default, and those that a variable names. */
export const parameterNames = (text: string, root: unknown): string[] => {
  const used = [...text.matchAll(NAMES_OF_PARAMETERS)].map(([, name = '']) => name);
  return [...new Set([...Object.keys(defaultParameters(root)), ...used])];
};

/** The resource that a `Ref` or a `Fn::GetAtt` names. */
const referenceOf = ({ Ref: reference, 'Fn::GetAtt': attribute }: Fields): string | undefined => {
  if (typeof reference === 'string') return reference;
  return Array.isArray(attribute) ? String(attribute[0]) : undefined;
};

/**
 * Replaces the variables of a serverless.yml, and each reference to a resource by its name.
 * @throws Error that names a variable without a value
 */
export const resolveVariables = (root: unknown, { parameters, names }: VariableOptions): unknown => {
  const lookUp = (source: string, address: string): unknown => {
    if (source === 'param') return parameters[address] ?? valueAt(root, ['params', 'default', address]);
    if (source === 'self') return valueAt(root, address.split('.'));
    if (source === 'env') return process.env[address];
    return CONSTANTS[`${source}:${address}`];
  };

  const defaultOf = (text: string): unknown => {
    const [, source, address] = /^(\w+):(.+)$/.exec(text) ?? [];
    if (source !== undefined && address !== undefined) return lookUp(source, address);
    return LITERAL.test(text) ? JSON.parse(text) : text.replace(/^(['"])(.*)\1$/, '$2');
  };

  const resolveText = (text: string, path: string, outer: readonly string[]): unknown => {
    const [variable, source = '', address = '', fallback] = VARIABLE.exec(text) ?? [];
    const missing = variable ?? CALL.exec(text)?.[0];
    if (missing === undefined) return text;
    const refuse = (problem: string): never => {
      throw new Error(`${path}: the variable ${missing} ${problem}`);
    };
    if (variable === undefined) return refuse('has a source that npm start does not know');
    if (outer.includes(variable)) return refuse('refers to itself');
    const found = lookUp(source, address.trim()) ?? (fallback === undefined ? undefined : defaultOf(fallback.trim()));
    if (found === undefined) return refuse('has no value');
    const value = resolve(found, path, [...outer, variable]);
    if (variable === text) return value;
    if (typeof value === 'object' && value !== null) return refuse(`is ${show(value)}, expected text`);
    return resolveText(
      text.replace(variable, () => String(value)),
      path,
      outer,
    );
  };

  const resolve = (value: unknown, path: string, outer: readonly string[]): unknown => {
    if (typeof value === 'string') return resolveText(value, path, outer);
    const under = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
    if (Array.isArray(value)) return value.map((item, index) => resolve(item, under(index), outer));
    if (!isObject(value)) return value;
    const id = referenceOf(value);
    if (id !== undefined) return names[id] ?? id;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, under(key), outer)]));
  };
  return resolve(root, '', []);
};
