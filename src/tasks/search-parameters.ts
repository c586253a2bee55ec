import { refuse } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import type { ParameterSchema, Parameters } from './parameters.ts';

/** The Hugging Face API has the parameters of the search in an object of their own, whose name depends on the task. */
export const NESTED_SEARCH = {
  anyOf: [{ type: 'object', additionalProperties: true }],
  description: 'The parameters of the search, in the form of the Hugging Face API.',
} as const satisfies ParameterSchema;

export const DO_SAMPLE = {
  anyOf: [{ const: false }],
  description: 'False alone: no token is drawn.',
} as const satisfies ParameterSchema;

/**
 * The parameters with those of the object `name`, which count more.
 * @throws `INVALID_REQUEST` unless it is an object, or when it holds another one
 */
export const withNested = (parameters: Parameters, name: string): Parameters => {
  const { [name]: nested, ...others } = parameters;
  if (nested === undefined || nested === null) return others;
  if (!isObject(nested)) return refuse('INVALID_REQUEST', `parameter "${name}" is ${show(nested)}, expected an object`);
  if (name in nested) return refuse('INVALID_REQUEST', `parameter "${name}" holds "${name}"; nest it once`);
  return { ...others, ...nested };
};

/** @throws `INVALID_REQUEST` when tokens are to be drawn */
export const assertNotSampled = ({ do_sample: value }: Parameters): void => {
  if (value !== undefined && value !== null && value !== false)
    refuse('INVALID_REQUEST', `parameter "do_sample" is ${show(value)}, and this task draws no tokens: false`);
};
