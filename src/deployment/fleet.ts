import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';

/** A function that answers the requests for some models, beside the default one, `infer`. */
export interface FleetFunction {
  readonly name: string;
  readonly models: readonly string[];
  /** Settings that differ from those of `infer`, in MB or environments. */
  readonly memory?: number;
  readonly tmpSize?: number;
  readonly reservedConcurrency?: number;
  readonly provisionedConcurrency?: number;
  /** Loads its models in its init. */
  readonly preload?: boolean;
  /** Its models are asked by requests alone: the functions of streams, uploads, jobs and runs need not have room for them. */
  readonly requestsOnly?: boolean;
}

export const DEFAULT_FUNCTION = 'infer';
/** Parts of a name that osls makes resources of. */
const NAME = /^[a-z][a-z0-9]{0,23}$/;
/** The rule of `src/repository/keys.ts`. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Each number, and its least and most. */
const NUMBERS = {
  memory: [128, 10_240],
  tmpSize: [512, 10_240],
  reservedConcurrency: [0, 10_000],
  provisionedConcurrency: [0, 10_000],
} as const;
const SWITCHES = ['preload', 'requestsOnly'] as const;
const KEYS = ['name', 'models', ...SWITCHES, ...Object.keys(NUMBERS)];
/** Models whose routes fit into the 300 of an HTTP API. */
const MOST_MODELS = 15;

const refuse = (problem: string): never => {
  throw new Error(`the parameter fleet: ${problem}`);
};

/** A parameter of the command line is JSON. */
const toList = (value: unknown): readonly unknown[] => {
  const expected = 'expected a list such as [{"name": "big", "models": ["whisper"], "memory": 10240}]';
  const read = (text: string): unknown => {
    try {
      return text.trim() === '' ? [] : JSON.parse(text);
    } catch {
      return refuse(`${show(text)} is no JSON, ${expected}`);
    }
  };
  const list = typeof value === 'string' ? read(value) : value;
  return Array.isArray(list) ? list : refuse(`${show(list)}, ${expected}`);
};

const parseNumbers = (name: string, fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(NUMBERS).flatMap(([key, [least, most]]) => {
      const value = fields[key];
      if (value === undefined) return [];
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
        return [[key, value]];
      return refuse(`${key} of ${name} is ${show(value)}, expected a whole number from ${least} to ${most}`);
    }),
  );

const parseFunction = (value: unknown, taken: readonly string[]): FleetFunction => {
  const fields = isObject(value)
    ? value
    : refuse(`${show(value)} is no function, expected its name, models and memory`);
  const { name, models } = fields;
  if (typeof name !== 'string' || !NAME.test(name))
    return refuse(`the name ${show(name)}, expected up to 24 small letters and digits, such as big`);
  if (name === DEFAULT_FUNCTION)
    refuse(`${name} is the default function, which serves all other models; its memory is the parameter memory`);
  if (taken.includes(name)) refuse(`there is a function ${name} already`);
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) refuse(`${name} has ${show(unknown)}, expected ${KEYS.join(', ')}`);
  const [preload, requestsOnly] = SWITCHES.map((key): boolean => {
    const value = fields[key] ?? false;
    return typeof value === 'boolean' ? value : refuse(`${key} of ${name} is ${show(value)}, expected true or false`);
  });
  const isModel = (model: unknown): model is string => typeof model === 'string' && MODEL_NAME.test(model);
  if (!Array.isArray(models) || models.length === 0 || !models.every(isModel))
    return refuse(`models of ${name} is ${show(models)}, expected a list of names of models`);
  const parsed: FleetFunction = {
    ...{ name, models, ...parseNumbers(name, fields) },
    ...(preload && { preload }),
    ...(requestsOnly && { requestsOnly }),
  };
  const { reservedConcurrency = Number.POSITIVE_INFINITY, provisionedConcurrency = 0 } = parsed;
  if (provisionedConcurrency > reservedConcurrency)
    refuse(`${name} keeps ${provisionedConcurrency} environments, of ${reservedConcurrency} that are reserved for it`);
  return parsed;
};

const namesIn = (text: unknown): string[] =>
  String(text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** The part of a model's name that osls keeps in the names of its routes. */
const letters = (model: string): string => model.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase();

/**
 * Reads the stage parameter `fleet`.
 * @param models the parameter `models`, comma-separated: the only ones that the stage serves; empty for all
 * @param taken names of functions that there are
 * @throws Error that says what came and what was expected
 */
export const parseFleet = (value: unknown, models: unknown, taken: readonly string[]): FleetFunction[] => {
  const fleet: FleetFunction[] = [];
  const owners = new Map<string, string>();
  const served = namesIn(models);
  for (const each of toList(value)) {
    const parsed = parseFunction(each, [...taken, ...fleet.map(({ name }) => name)]);
    for (const model of parsed.models) {
      const owner = owners.get(model);
      if (owner !== undefined) refuse(`${model} is in ${owner} and in ${parsed.name}, expected one function for it`);
      if (served.length > 0 && !served.includes(model))
        refuse(`${parsed.name} serves ${model}, which the parameter models does not name: ${served.join(', ')}`);
      const like = [...owners.keys()].find((other) => letters(other) === letters(model));
      if (like !== undefined)
        refuse(`${model} and ${like} differ in no letter or digit, and their routes would be one`);
      owners.set(model, parsed.name);
    }
    fleet.push(parsed);
  }
  if (owners.size > MOST_MODELS) refuse(`${owners.size} models; the routes of ${MOST_MODELS} fit into an API`);
  if (served.length > 0 && served.every((model) => owners.has(model)))
    refuse(`no model is left to the default function ${DEFAULT_FUNCTION}; leave one out, or add one to models`);
  return fleet;
};

/** Leaves out, of a comma-separated list, the models that a function of the fleet serves. */
export const withoutFleet = (models: unknown, fleet: readonly FleetFunction[]): string =>
  namesIn(models)
    .filter((model) => !fleet.some((each) => each.models.includes(model)))
    .join(',');
