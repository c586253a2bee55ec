import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { show } from '../core/show.ts';

/** The parameters of a request, not checked yet. */
export type Parameters = Payload['parameters'];

/** The largest `top_k`; a model with fewer labels answers with all of them. */
export const MAX_TOP_K = 100_000;

/** @throws `INVALID_REQUEST` when a parameter is not among `known` */
export const assertKnownParameters = (parameters: Parameters, known: readonly string[]): void => {
  for (const name of Object.keys(parameters)) {
    if (!known.includes(name))
      throw new ServingError(
        'INVALID_REQUEST',
        `parameter ${show(name)} is unknown, this task takes: ${known.join(', ') || 'none'}`,
      );
  }
};

/** The parameter `top_k`, the number of best labels to answer. @throws `INVALID_REQUEST` unless it is an integer from 1 on */
export const readTopK = (parameters: Parameters, fallback: number): number => {
  const value = parameters.top_k ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MAX_TOP_K)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "top_k" is ${show(value)}, expected an integer from 1 to ${MAX_TOP_K}`,
    );
  return value;
};

/** A parameter with the value of a choice. @throws `INVALID_REQUEST` for another value */
export const readChoice = <C extends string>(
  parameters: Parameters,
  name: string,
  choices: readonly C[],
  fallback: C,
): C => {
  const value = parameters[name] ?? fallback;
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "${name}" is ${show(value)}, expected one of ${choices.join(', ')}`,
    );
  return choice;
};

/** A parameter from 0 to 1. @throws `INVALID_REQUEST` for another value */
export const readFraction = (parameters: Parameters, name: string, fallback: number): number => {
  const value = parameters[name] ?? fallback;
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw new ServingError('INVALID_REQUEST', `parameter "${name}" is ${show(value)}, expected a number from 0 to 1`);
  return value;
};

/** A parameter that is true or false. @throws `INVALID_REQUEST` for another value */
export const readBoolean = (parameters: Parameters, name: string, fallback: boolean): boolean => {
  const value = parameters[name] ?? fallback;
  if (typeof value !== 'boolean')
    throw new ServingError('INVALID_REQUEST', `parameter "${name}" is ${show(value)}, expected true or false`);
  return value;
};

/** A parameter that is an integer from `min` to `max`; undefined when the caller leaves it out. @throws `INVALID_REQUEST` for another value */
export const readInteger = (parameters: Parameters, name: string, min: number, max: number): number | undefined => {
  const value = parameters[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "${name}" is ${show(value)}, expected an integer from ${min} to ${max}`,
    );
  return value;
};

/** A parameter that is a number from `min` to `max`; undefined when the caller leaves it out. @throws `INVALID_REQUEST` for another value */
export const readNumber = (parameters: Parameters, name: string, min: number, max: number): number | undefined => {
  const value = parameters[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "${name}" is ${show(value)}, expected a number from ${min} to ${max}`,
    );
  return value;
};

/** A parameter of a task, as JSON Schema: requests are checked by it, and `/openapi.json` shows it. */
export type ParameterSchema = { readonly description: string; readonly default?: unknown } & (
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum: number }
  | { readonly type: 'boolean' }
  | { readonly enum: readonly string[] }
  /** Read by the task itself. */
  | { readonly anyOf: readonly unknown[] }
);

export type ParameterTable = Readonly<Record<string, ParameterSchema>>;

type ValueOf<S extends ParameterSchema> = S extends { readonly type: 'integer' | 'number' }
  ? number
  : S extends { readonly type: 'boolean' }
    ? boolean
    : S extends { readonly enum: readonly (infer Choice)[] }
      ? Choice
      : unknown;

/** The parameters of a request; undefined where the caller left one out. */
export type ParameterValues<Table extends ParameterTable> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name]> | undefined;
};

const readValue = (parameters: Parameters, name: string, schema: ParameterSchema): unknown => {
  const value = parameters[name] ?? undefined; // clients write null for what they leave out
  if (value === undefined || 'anyOf' in schema) return value;
  if ('enum' in schema) return readChoice(parameters, name, schema.enum, '');
  if (schema.type === 'boolean') return readBoolean(parameters, name, false);
  const { type, minimum, maximum } = schema;
  if (type === 'integer') return readInteger(parameters, name, minimum, maximum);
  return readNumber(parameters, name, minimum, maximum);
};

/** @throws `INVALID_REQUEST` for a parameter that is not in `table`, or has another value than its schema allows */
export const readParameters = <const Table extends ParameterTable>(
  parameters: Parameters,
  table: Table,
): ParameterValues<Table> => {
  assertKnownParameters(parameters, Object.keys(table));
  const values = Object.entries(table).map(([name, schema]) => [name, readValue(parameters, name, schema)]);
  return Object.fromEntries(values) as ParameterValues<Table>;
};

/** `top_k` of every task that has one. */
export const TOP_K = {
  type: 'integer',
  minimum: 1,
  maximum: MAX_TOP_K,
  description: 'Number of best answers. All, if there are fewer.',
} as const satisfies ParameterSchema;
