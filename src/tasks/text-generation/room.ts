import { refuse } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { type DecoderLayout, readLayout } from '../../generation/causal/layout.ts';
import type { TaskModel } from '../task.ts';
import type { GenerationParameters } from './parameters.ts';
import type { Resources } from './resources.ts';
import type { TextGenerationSettings } from './settings.ts';

export { readLayout };

/** New tokens where neither the request nor the model names a number, as in transformers' pipelines. */
const DEFAULT_NEW_TOKENS = 256;

/** The cache exists four times at its peak: as the run's input, before and after the last step, and as the run's output. */
const CACHE_COPIES = 4;

/** Bytes that `tokens` take at most while an answer of them is generated. */
export const cacheBytes = ({ bytesPerToken }: Pick<DecoderLayout, 'bytesPerToken'>, tokens: number): number =>
  CACHE_COPIES * bytesPerToken * tokens;

/** The limits of a prompt with its answer. */
interface Limits {
  /** Most tokens by the model. */
  readonly contextLength: number;
  /** Most tokens by the memory. */
  readonly fitting: number;
}

/** Bytes that caches may take, of answers and of kept prefixes. */
export const freeBytesOf = ({ freeBytes }: TaskModel<Resources>): number => freeBytes?.() ?? Number.POSITIVE_INFINITY;

const limitsOf = (layout: DecoderLayout, contextLength: number, model: TaskModel<Resources>): Limits => ({
  contextLength,
  fitting: Math.floor(freeBytesOf(model) / cacheBytes(layout, 1)),
});

/** The number of new tokens when nobody names one: that of the model, as far as it fits. */
const defaultNewTokens = (
  promptLength: number,
  limits: Limits,
  { maxNewTokens, maxLength }: { readonly maxNewTokens: number | undefined; readonly maxLength: number | undefined },
): number => {
  const own = maxNewTokens ?? (maxLength === undefined ? DEFAULT_NEW_TOKENS : Math.max(1, maxLength - promptLength));
  return Math.min(own, restOf(promptLength, limits));
};

const restOf = (promptLength: number, { contextLength, fitting }: Limits): number =>
  Math.max(1, Math.min(contextLength, fitting) - promptLength);

/**
 * The most new tokens of an answer. Nothing is cut: a prompt that does not fit is refused.
 * @throws `INVALID_INPUT` beyond the context of the model; `PAYLOAD_TOO_LARGE` beyond the memory of the function
 */
export const roomFor = (
  promptLength: number,
  { maxNewTokens }: Pick<GenerationParameters, 'maxNewTokens'>,
  defaults: { readonly maxNewTokens: number | undefined; readonly maxLength: number | undefined },
  layout: DecoderLayout,
  { contextLength = Number.POSITIVE_INFINITY }: TextGenerationSettings,
  model: TaskModel<Resources>,
): number => {
  const limits = limitsOf(layout, contextLength, model);
  const wanted =
    typeof maxNewTokens === 'number'
      ? maxNewTokens
      : maxNewTokens === 'rest'
        ? restOf(promptLength, limits)
        : defaultNewTokens(promptLength, limits, defaults);
  const total = promptLength + wanted;
  const what = `the prompt has ${promptLength} tokens, and with ${wanted} new ones they are ${total}`;
  if (total > contextLength)
    refuse(
      'INVALID_INPUT',
      `${what}; this model takes ${contextLength} in all: shorten the prompt, or ask for fewer new tokens`,
    );
  if (total > limits.fitting)
    refuse(
      'PAYLOAD_TOO_LARGE',
      `${what}, which take ${formatBytes(cacheBytes(layout, total))} of memory; the function has room for ${limits.fitting} tokens ` +
        `(${formatBytes(freeBytesOf(model))}): shorten the prompt, or ask for fewer new tokens`,
    );
  return wanted;
};

/**
 * Runs an answer of `tokens` with room for its cache: kept prefixes give way.
 * @throws `MODEL_UNAVAILABLE` while other answers take the room
 */
export const reserve = (tokens: number, layout: DecoderLayout, model: TaskModel<Resources>): (() => void) => {
  const { reserved, prefixes } = model.resources;
  const bytes = cacheBytes(layout, tokens);
  const left = freeBytesOf(model) - reserved.bytes - bytes;
  if (left < 0)
    refuse('MODEL_UNAVAILABLE', `other answers take the memory that ${tokens} tokens need; try again in a few seconds`);
  prefixes.shrink(left);
  reserved.bytes += bytes;
  return () => {
    reserved.bytes -= bytes;
  };
};
