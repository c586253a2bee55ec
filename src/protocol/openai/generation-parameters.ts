import { isObject } from '../../core/is-object.ts';
import { type Fields, pickFields, refuseField } from './fields.ts';

/** Fields that have the same meaning and the same name as parameters of the task text-generation. */
const SAME = [
  ...['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'frequency_penalty', 'presence_penalty'],
  ...['logit_bias', 'stop', 'cache_prompt'],
];

/** Fields of every request that has a model write text. `top_k`, `min_p`, `repetition_penalty` and `cache_prompt` are no fields of OpenAI's. */
export const GENERATION_FIELDS = [
  ...SAME,
  ...['model', 'n', 'seed', 'max_tokens', 'stream', 'stream_options', 'response_format'],
];

const MOST_CHOICES = 8;
const MOST_TOKENS = 10_000_000;

const isCount = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;

const readCount = (fields: Fields, name: string, most: number): number | undefined => {
  const value = fields[name];
  return value === undefined || isCount(value, most) ? value : refuseField(name, value, `an integer from 1 to ${most}`);
};

export interface Streaming {
  readonly isStreamed: boolean;
  /** True when the last event has the usage. */
  readonly includesUsage: boolean;
}

const readStreaming = ({ stream = false, stream_options: options = {} }: Fields): Streaming => {
  if (typeof stream !== 'boolean') return refuseField('stream', stream, 'true or false');
  if (!isObject(options)) return refuseField('stream_options', options, '{"include_usage": true}');
  const { include_usage: includesUsage = false } = options;
  if (typeof includesUsage !== 'boolean')
    return refuseField('stream_options.include_usage', includesUsage, 'true or false');
  return { isStreamed: stream, includesUsage };
};

/** The parameters of a request, for the task text-generation: those of each choice. */
export interface GenerationRequest extends Streaming {
  readonly model: unknown;
  readonly choices: readonly Fields[];
}

const assertTemperature = ({ temperature }: Fields): void => {
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0 && temperature <= 2))
    refuseField('temperature', temperature, 'a number from 0 to 2');
};

/** The seed of the first of `count` choices: each choice has the next one. */
const readSeed = ({ seed }: Fields, count: number): number | undefined => {
  if (seed === undefined) return undefined;
  const last = Number.MAX_SAFE_INTEGER - count + 1;
  if (typeof seed === 'number' && Number.isInteger(seed) && seed >= -Number.MAX_SAFE_INTEGER && seed <= last)
    return seed;
  return refuseField('seed', seed, `an integer from ${-Number.MAX_SAFE_INTEGER} to ${last}`);
};

/**
 * Tokens are drawn unless the temperature is 0, as OpenAI does; the model has values for what is left out. The answer may be as long as
 * the context. A choice after the first has a seed of its own.
 * @throws `INVALID_REQUEST`
 */
export const readGeneration = (fields: Fields): GenerationRequest => {
  assertTemperature(fields);
  const { temperature } = fields;
  const maxTokens =
    readCount(fields, 'max_completion_tokens', MOST_TOKENS) ?? readCount(fields, 'max_tokens', MOST_TOKENS);
  const count = readCount(fields, 'n', MOST_CHOICES) ?? 1;
  const seed = readSeed(fields, count);
  const shared = {
    ...pickFields(fields, SAME),
    do_sample: temperature !== 0,
    max_new_tokens: maxTokens ?? 'rest',
  };
  return {
    ...readStreaming(fields),
    model: fields.model,
    choices: Array.from({ length: count }, (_, index) => ({
      ...shared,
      ...(seed !== undefined && { seed: seed + index }),
    })),
  };
};

/** @throws `INVALID_REQUEST` unless it is an integer from 0 to 20 */
export const readTopLogprobs = (name: string, value: unknown): number => {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 20) return value;
  return refuseField(name, value, 'an integer from 0 to 20');
};
