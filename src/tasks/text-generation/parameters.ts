import { randomInt } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import type { GenerationDefaults } from '../../generation/causal/generation-defaults.ts';
import type { Sampling } from '../../generation/causal/sampling.ts';
import { type Parameters, type ParameterValues, readInteger, readParameters } from '../parameters.ts';
import { readGrammar } from './grammar.ts';
import { MAX_STOP_CHARACTERS, MAX_STOPS, MAX_TOKENS, PARAMETERS } from './parameter-table.ts';

/** Most tokens whose logits a request may change. */
const MAX_BIASES = 1_024;

/** The parameters of a request, each with a value. */
export interface GenerationParameters {
  readonly sampling: Sampling;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Added to the logit of each token. */
  readonly logitBias: readonly (readonly [id: number, bias: number])[];
  readonly seed: number;
  readonly stop: readonly string[];
  /** `rest` for as many as context and memory allow; undefined for the model's own number. */
  readonly maxNewTokens: number | 'rest' | undefined;
  /** Undefined where neither the request nor the model has a number; the model's `minLength` then counts. */
  readonly minNewTokens: number | undefined;
  /** Tells how the answer came about: its end, its number of tokens, and the log-probability of each. */
  readonly details: boolean;
  readonly topTokens: number;
  /** Tells the log-probability of each token of the prompt, too. */
  readonly scoresPrompt: boolean;
  /** Computes a prompt that begins like an earlier one of the same caller from there on. */
  readonly cachePrompt: boolean;
  /** Puts the prompt before the answer. */
  readonly fullText: boolean;
  /** The grammar of the answer in EBNF; undefined for any text. */
  readonly grammar: string | undefined;
}

/** Names of Hugging Face's server for the same. Maps have no properties that a caller's name could meet. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['stop_sequences', 'stop'],
  ['random_seed', 'seed'],
]);

/** Parameters that Hugging Face's clients send with a value that changes nothing. */
const WITHOUT_EFFECT: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['best_of', 1],
  ['num_return_sequences', 1],
  ['watermark', false],
  ['typical_p', 1],
]);

const refuse = (problem: string): never => {
  throw new ServingError('INVALID_REQUEST', problem);
};

/** The parameters under their own names, without those that are null or change nothing. */
const withKnownNames = (parameters: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(parameters)
      .filter(([name, value]) => value !== null && !(WITHOUT_EFFECT.has(name) && WITHOUT_EFFECT.get(name) === value))
      .map(([name, value]) => [OTHER_NAMES.get(name) ?? name, value]),
  );

const readStops = ({ stop = [] }: Parameters): readonly string[] => {
  const stops: unknown[] = Array.isArray(stop) ? stop : [stop];
  if (stops.length > MAX_STOPS)
    refuse(`parameter "stop" has ${stops.length} texts, at most ${MAX_STOPS} are looked for`);
  return stops.map((text) => {
    if (typeof text !== 'string' || text === '' || text.length > MAX_STOP_CHARACTERS)
      return refuse(`parameter "stop" has ${show(text)}, expected texts of 1 to ${MAX_STOP_CHARACTERS} characters`);
    return text;
  });
};

const readBias = ({ logit_bias: biases = {} }: Parameters): GenerationParameters['logitBias'] => {
  if (!isObject(biases))
    return refuse(`parameter "logit_bias" is ${show(biases)}, expected an object of numbers by token: {"42": -100}`);
  const entries = Object.entries(biases);
  if (entries.length > MAX_BIASES)
    refuse(`parameter "logit_bias" names ${entries.length} tokens, at most ${MAX_BIASES} are changed`);
  return entries.map(([token, bias]) => {
    const id = /^\d{1,9}$/.test(token) ? Number(token) : Number.NaN;
    if (Number.isNaN(id) || typeof bias !== 'number' || !(Math.abs(bias) <= 100))
      return refuse(
        `parameter "logit_bias" has ${show(token)}: ${show(bias)}, expected the number of a token and a bias from -100 to 100`,
      );
    return [id, bias] as const;
  });
};

type Given = ParameterValues<typeof PARAMETERS>;

const isAsked = ({ temperature = 0, top_p, top_k, min_p }: Given): boolean =>
  [top_p, top_k, min_p].some((value) => value !== undefined) || temperature > 0;

const readSampling = (given: Given, defaults: GenerationDefaults): Sampling => {
  const temperature = given.temperature ?? defaults.temperature;
  return {
    doSample: (given.do_sample ?? (defaults.doSample || isAsked(given))) && temperature > 0,
    temperature,
    topK: given.top_k ?? defaults.topK,
    topP: given.top_p ?? defaults.topP,
    minP: given.min_p ?? defaults.minP,
  };
};

const newSeed = (): number => randomInt(2 ** 32);

/**
 * Reads the parameters of a request, in the names of Hugging Face's API. The model has a value for each that is left out.
 * @throws `INVALID_REQUEST` naming the parameter
 */
export const readGenerationParameters = (given: Parameters, defaults: GenerationDefaults): GenerationParameters => {
  const parameters = withKnownNames(given);
  const values = readParameters(parameters, PARAMETERS);
  const topTokens = values.top_n_tokens ?? 0;
  const scoresPrompt = values.decoder_input_details ?? false;
  return {
    sampling: readSampling(values, defaults),
    repetitionPenalty: values.repetition_penalty ?? defaults.repetitionPenalty,
    frequencyPenalty: values.frequency_penalty ?? 0,
    presencePenalty: values.presence_penalty ?? 0,
    logitBias: readBias(parameters),
    seed: values.seed ?? newSeed(),
    stop: readStops(parameters),
    maxNewTokens:
      parameters.max_new_tokens === 'rest' ? 'rest' : readInteger(parameters, 'max_new_tokens', 1, MAX_TOKENS),
    minNewTokens: values.min_new_tokens ?? defaults.minNewTokens,
    details: (values.details ?? false) || topTokens > 0 || scoresPrompt,
    topTokens,
    scoresPrompt,
    cachePrompt: values.cache_prompt ?? true,
    fullText: values.return_full_text ?? false,
    grammar: readGrammar(parameters),
  };
};
