import { ServingError } from '../../../core/errors.ts';
import type { Graph } from '../../../core/graph.ts';
import type { Signature } from '../../../core/tensor.ts';
import type { Lap, TaskModel } from '../../task.ts';
import { type Ears, isDone, listen } from './listen.ts';
import type { Part } from './parts.ts';

/**
 * Keys and values of the encoder that a batch may hold, of which a run makes copies. One chunk of 30 s takes 18 MB in Whisper tiny and 490 MB in large-v3.
 */
const MAX_CACHE_BYTES = 128 * 1024 ** 2;
const ENCODER_CACHE = /^past_key_values\..*\.encoder\.(key|value)$/;
const BYTES_PER_VALUE = 4;

/** How many parts memory is there for when they are decoded together. */
export const fittingParts = ({ inputs }: Signature, beams: number, frames: number): number => {
  const positions = frames / 2;
  const valuesPerPart = inputs
    .filter(({ name }) => ENCODER_CACHE.test(name))
    .reduce((sum, { shape: [, heads, , width] }) => sum + Number(heads) * Number(width) * positions, 0);
  return Math.max(1, Math.floor(MAX_CACHE_BYTES / (BYTES_PER_VALUE * valuesPerPart * beams)));
};

/** Says how much was heard when the deadline passed. */
const withProgress = (error: unknown, parts: readonly Part[], ears: Ears): unknown => {
  const { code, message } = ServingError.from(error);
  if (code !== 'DEADLINE_EXCEEDED') return error;
  const heard = parts.filter((part) => isDone(part, ears)).length;
  const tokens = parts.reduce((sum, part) => sum + part.tokens.length, 0);
  return new ServingError(
    'DEADLINE_EXCEEDED',
    `${heard} of ${parts.length} chunks of up to ${ears.frames / 100} s were heard (${tokens} tokens) when ${message}`,
    { cause: error },
  );
};

/**
 * Listens until all that is spoken in `parts` has become their tokens.
 *
 * @param parts of one request, whose options are equal
 * @throws `DEADLINE_EXCEEDED` saying how far it came, `INFERENCE_FAILED`
 */
export const hear = async (parts: readonly Part[], ears: Ears, model: TaskModel, lap: Lap): Promise<void> => {
  const { decoder } = model.graphs as { readonly decoder: Graph };
  const beams = parts[0]?.options.beams ?? 1;
  const fitting = fittingParts(decoder.signature, beams, ears.frames);
  const together = Math.max(1, Math.min(Math.floor(model.maxBatch / beams), fitting));
  try {
    for (let open = parts; open.length > 0; open = open.filter((part) => !isDone(part, ears)))
      await listen(open.slice(0, together), ears, model, lap);
  } catch (error) {
    throw withProgress(error, parts, ears);
  }
};
