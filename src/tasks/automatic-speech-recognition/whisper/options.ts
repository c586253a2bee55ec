import { refuse } from '../../../core/errors.ts';
import { show } from '../../../core/show.ts';
import { type Parameters, readBoolean, readInteger, readParameters } from '../../parameters.ts';
import { assertNotSampled, withNested } from '../../search-parameters.ts';
import { WHISPER_PARAMETERS } from '../parameters.ts';
import { createPrompt, type PromptToken } from './prompt.ts';
import { languageId, type WhisperConfig } from './whisper-config.ts';

/** The parameters of a request, with defaults of the model. */
export interface WhisperOptions {
  readonly prompt: readonly PromptToken[];
  readonly timestamps: boolean;
  readonly returnLanguage: boolean;
  /** Seconds of a window, and seconds that it shares with its neighbours. */
  readonly chunk: { readonly length: number; readonly strideLeft: number; readonly strideRight: number };
  /** 1 for greedy search. */
  readonly beams: number;
  /** Undefined for the bound of the model. */
  readonly maxNewTokens?: number;
}

/** Least seconds that a window adds, so that the number of windows stays in proportion to the audio. */
const MIN_STEP_SECONDS = 1;

const refuseValue = (name: string, value: unknown, expected: string): never =>
  refuse('INVALID_REQUEST', `parameter "${name}" is ${show(value)}, expected ${expected}`);

const readTimestamps = (parameters: Parameters, { timestamps, timestampTokens }: WhisperConfig): boolean => {
  const { return_timestamps: value } = parameters;
  if (value === 'word')
    return refuseValue(
      'return_timestamps',
      value,
      'true or false: timestamps of words need the attention of the decoder, which exported graphs do not give',
    );
  const asked = readBoolean(parameters, 'return_timestamps', false);
  if (asked && timestampTokens === undefined)
    return refuseValue('return_timestamps', value, 'false: generation_config.json has no "no_timestamps_token_id"');
  return asked || timestamps; // as in the pipeline, false does not overrule the model
};

const assertMultilingual = (name: string, value: unknown, { multilingual }: WhisperConfig): void => {
  if (!multilingual) refuseValue(name, value, 'no such parameter: the model transcribes English only');
};

const readLanguage = ({ language: value }: Parameters, config: WhisperConfig): string | undefined => {
  if (value === undefined || value === null) return undefined;
  assertMultilingual('language', value, config);
  if (config.languageIds === undefined)
    return refuseValue('language', value, 'none: generation_config.json has no "lang_to_id", which names the tokens');
  if (typeof value !== 'string' || languageId(config, value) === undefined) {
    const codes = Object.keys(config.languageIds).map((token) => token.replace(/^<\|(.*)\|>$/, '$1'));
    return refuseValue('language', value, `a code or an English name of: ${codes.join(', ')}`);
  }
  return value;
};

const readTask = ({ task: value }: Parameters, config: WhisperConfig): string | undefined => {
  if (value === undefined || value === null) return undefined;
  assertMultilingual('task', value, config);
  if (config.taskIds === undefined)
    return refuseValue('task', value, 'none: generation_config.json has no "task_to_id", which names the tokens');
  const known = Object.keys(config.taskIds);
  return typeof value === 'string' && known.includes(value) ? value : refuseValue('task', value, known.join(' or '));
};

const isSeconds = (value: unknown): value is number => typeof value === 'number' && value >= 0;

const readChunk = (
  { chunk_length_s, stride_length_s: stride }: Parameters,
  seconds: number,
): WhisperOptions['chunk'] => {
  const length = chunk_length_s ?? undefined;
  if (length !== undefined && !(isSeconds(length) && length >= MIN_STEP_SECONDS && length <= seconds))
    return refuseValue('chunk_length_s', length, `seconds from ${MIN_STEP_SECONDS} to ${seconds}`);
  const chosen = length ?? seconds;
  const [strideLeft, strideRight, ...others]: unknown[] = Array.isArray(stride)
    ? stride
    : [stride ?? chosen / 6, stride ?? chosen / 6];
  const expected = `seconds, or [left, right], that leave ${MIN_STEP_SECONDS} s of "chunk_length_s" ${chosen}`;
  if (!isSeconds(strideLeft) || !isSeconds(strideRight) || others.length > 0)
    return refuseValue('stride_length_s', stride, expected);
  if (chosen - strideLeft - strideRight < Math.min(MIN_STEP_SECONDS, (chosen * 2) / 3 - 1e-9))
    return refuseValue('stride_length_s', stride, expected);
  return { length: chosen, strideLeft, strideRight };
};

/**
 * @param seconds of the longest window
 * @throws `INVALID_REQUEST` for a parameter that is unknown or wrong, or that the model cannot follow
 */
export const readWhisperOptions = (given: Parameters, config: WhisperConfig, seconds: number): WhisperOptions => {
  const parameters = withNested(given, 'generation_parameters');
  const { return_language: returnLanguage = false, num_beams: beams = config.search.numBeams } = readParameters(
    parameters,
    WHISPER_PARAMETERS,
  );
  assertNotSampled(parameters);
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
    returnLanguage,
    chunk: readChunk(parameters, seconds),
    beams,
    ...(maxNewTokens !== undefined && { maxNewTokens }),
  };
};
