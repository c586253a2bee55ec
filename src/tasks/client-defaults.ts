import { isObject } from '../core/is-object.ts';
import type { Payload } from '../core/payload.ts';
import type { Parameters, ParameterTable } from './parameters.ts';
import type { Task } from './task.ts';

/** Hugging Face's clients, whose libraries read some answers in different documented shapes. */
export const CLIENTS = ['python', 'javascript'] as const;
export type Clients = (typeof CLIENTS)[number];

interface Defaults {
  readonly parameters: Parameters;
  /** True for the inputs that the client sends; every input otherwise. */
  readonly concerns?: (inputs: unknown) => boolean;
}

const PYTHON: Readonly<Record<string, Defaults>> = {};

/** https://github.com/huggingface/huggingface.js/blob/main/packages/inference/src/providers/hf-inference.ts checks the answers. */
const JAVASCRIPT: typeof PYTHON = {
  'token-classification': { parameters: { aggregation_strategy: 'simple' } },
  'tabular-classification': {
    parameters: { label_numbers: true },
    concerns: (inputs) => isObject(inputs) && isObject(inputs.data),
  },
};

const DEFAULTS: Readonly<Record<Clients, typeof PYTHON>> = { python: PYTHON, javascript: JAVASCRIPT };

/** The given parameters, and the defaults in the place of those that are left out. Clients write null for what they leave out. */
const complete = ({ parameters, ...payload }: Payload, defaults: Parameters): Payload => {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return { ...payload, parameters: { ...defaults, ...Object.fromEntries(given) } };
};

/** A task whose answers have, unless a request says otherwise, the shape that `clients` read. */
export const forClients = (task: Task, name: string, clients: Clients): Task => {
  const defaults = DEFAULTS[clients][name];
  if (defaults === undefined) return task;
  const { parameters, concerns = () => true } = defaults;
  return {
    ...task,
    decode: (payload) => task.decode(concerns(payload.inputs) ? complete(payload, parameters) : payload),
  };
};

/** The parameters of a task with the defaults that its callers meet. */
export const withDefaults = (table: ParameterTable, name: string, clients: Clients): ParameterTable => {
  const { parameters = {}, concerns } = DEFAULTS[clients][name] ?? {};
  if (concerns !== undefined) return table;
  return Object.fromEntries(
    Object.entries(table).map(([each, schema]) => [
      each,
      each in parameters ? { ...schema, default: parameters[each] } : schema,
    ]),
  );
};
