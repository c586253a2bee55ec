import { ServingError } from '../../../core/errors.ts';
import { show } from '../../../core/show.ts';
import { MAX_BEAMS } from '../../../generation/generation-config.ts';
import { assertKnownParameters, readBoolean, readInteger } from '../../parameters.ts';
import { createPrompt, type PromptToken } from './prompt.ts';
import { languageId, type WhisperConfig } from './whisper-config.ts';

/** How a recording is to be heard. */
export interface WhisperOptions {
  readonly prompt: readonly PromptToken[];
  readonly timestamps: boolean;
  readonly returnLanguage: boolean;
  /** Seconds that are heard at once, and how many of them the neighbours hear as well. */
  readonly chunk: { readonly length: number; readonly strideLeft: number; readonly strideRight: number };
  /** 1: greedy. */
  readonly beams: number;
  /** Undefined: as the model says. */
  readonly maxNewTokens?: number;
}

/** As the Hugging Face pipeline names them. */
const WHISPER_PARAMETERS = [
  'return_timestamps',
  'return_language',
  'language',
  'task',
  'chunk_length_s',
  'stride_length_s',
  'num_beams',
  'max_new_tokens',
];

/** What every chunk has to add, so that their number stays in proportion to the recording. */
const MIN_STEP_SECONDS = 1;

type Parameters = Readonly<Record<string, unknown>>;

const refuse = (name: string, value: unknown, expected: string): never => {
  throw new ServingError('INVALID_REQUEST', `parameter "${name}" is ${show(value)}, expected ${expected}`);
};

const readTimestamps = (parameters: Parameters, { timestamps, timestampTokens }: WhisperConfig): boolean => {
  const { return_timestamps: value } = parameters;
  if (value === 'word')
    return refuse(
      'return_timestamps',
      value,
      'true or false: timestamps of words need the attention of the decoder, which exported graphs do not put out',
    );
  const asked = readBoolean(parameters, 'return_timestamps', false);
  if (asked && timestampTokens === undefined)
    return refuse('return_timestamps', value, 'false: generation_config.json has no "no_timestamps_token_id"');
  return asked || timestamps; // the pipeline cannot switch off what the model says either
};

const assertMultilingual = (name: string, value: unknown, { multilingual }: WhisperConfig): void => {
  if (!multilingual) refuse(name, value, 'no such parameter: the model hears English only');
};

const readLanguage = ({ language: value }: Parameters, config: WhisperConfig): string | undefined => {
  if (value === undefined || value === null) return undefined;
  assertMultilingual('language', value, config);
  if (config.languageIds === undefined)
    return refuse('language', value, 'none: generation_config.json has no "lang_to_id", which names the tokens');
  if (typeof value !== 'string' || languageId(config, value) === undefined) {
    const codes = Object.keys(config.languageIds).map((token) => token.replace(/^<\|(.*)\|>$/, '$1'));
    return refuse('language', value, `a code or an English name of: ${codes.join(', ')}`);
  }
  return value;
};

const readTask = ({ task: value }: Parameters, config: WhisperConfig): string | undefined => {
  if (value === undefined || value === null) return undefined;
  assertMultilingual('task', value, config);
  if (config.taskIds === undefined)
    return refuse('task', value, 'none: generation_config.json has no "task_to_id", which names the tokens');
  const known = Object.keys(config.taskIds);
  return typeof value === 'string' && known.includes(value) ? value : refuse('task', value, known.join(' or '));
};

const isSeconds = (value: unknown): value is number => typeof value === 'number' && value >= 0;

const readChunk = (
  { chunk_length_s: length, stride_length_s: stride }: Parameters,
  seconds: number,
): WhisperOptions['chunk'] => {
  if (length !== undefined && !(isSeconds(length) && length >= MIN_STEP_SECONDS && length <= seconds))
    return refuse('chunk_length_s', length, `seconds from ${MIN_STEP_SECONDS} to ${seconds}`);
  const chosen = length ?? seconds;
  const [strideLeft, strideRight, ...others] = Array.isArray(stride)
    ? (stride as unknown[])
    : [stride ?? chosen / 6, stride ?? chosen / 6];
  const expected = `seconds, or [left, right], that leave ${MIN_STEP_SECONDS} s of "chunk_length_s" ${chosen}`;
  if (!isSeconds(strideLeft) || !isSeconds(strideRight) || others.length > 0)
    return refuse('stride_length_s', stride, expected);
  if (chosen - strideLeft - strideRight < Math.min(MIN_STEP_SECONDS, (chosen * 2) / 3 - 1e-9))
    return refuse('stride_length_s', stride, expected);
  return { length: chosen, strideLeft, strideRight };
};

/**
 * @param seconds the most that the model hears at once
 * @throws `INVALID_REQUEST` for a parameter that is unknown or wrong, or that the model cannot follow
 */
export const readWhisperOptions = (parameters: Parameters, config: WhisperConfig, seconds: number): WhisperOptions => {
  assertKnownParameters(parameters, WHISPER_PARAMETERS);
  const timestamps = readTimestamps(parameters, config);
  const language = readLanguage(parameters, config);
  const task = readTask(parameters, config);
  const prompt = createPrompt(config, {
    timestamps,
    ...(language !== undefined && { language }),
    ...(task !== undefined && { task }),
  });
  const maxNewTokens = readInteger(parameters, 'max_new_tokens', 1, config.maxTokens - prompt.length);
  return {
    prompt,
    timestamps,
    returnLanguage: readBoolean(parameters, 'return_language', false),
    chunk: readChunk(parameters, seconds),
    beams: readInteger(parameters, 'num_beams', 1, MAX_BEAMS) ?? config.search.numBeams,
    ...(maxNewTokens !== undefined && { maxNewTokens }),
  };
};
