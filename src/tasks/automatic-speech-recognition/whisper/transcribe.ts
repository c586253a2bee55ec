import { ServingError } from '../../../core/errors.ts';
import type { Signature } from '../../../core/tensor.ts';
import { graphOf } from '../../graph-of.ts';
import type { Lap, TaskModel } from '../../task.ts';
import { decodeWindows, isDone } from './decode-windows.ts';
import { FRAMES_PER_SECOND, type WhisperModel } from './whisper-model.ts';
import type { Window } from './windows.ts';

/**
 * Bound of the encoder's keys and values in a batch, of which a run makes copies. A window of 30 s takes 18 MB in Whisper tiny and 490 MB in
 * large-v3.
 */
const MAX_CACHE_BYTES = 128 * 1024 ** 2;
const ENCODER_CACHE = /^past_key_values\..*\.encoder\.(key|value)$/;
const BYTES_PER_VALUE = 4;

/** The number of windows for which memory suffices when they are decoded together; at least 1. */
export const fittingWindows = ({ inputs }: Signature, beams: number, frames: number): number => {
  const positions = frames / 2;
  const valuesPerWindow = inputs
    .filter(({ name }) => ENCODER_CACHE.test(name))
    .reduce((sum, { shape: [, heads, , width] }) => sum + Number(heads) * Number(width) * positions, 0);
  return Math.max(1, Math.floor(MAX_CACHE_BYTES / (BYTES_PER_VALUE * valuesPerWindow * beams)));
};

/** Adds the progress to an error of a deadline. */
const withProgress = (error: unknown, windows: readonly Window[], whisper: WhisperModel): unknown => {
  const { code, message } = ServingError.from(error);
  if (code !== 'DEADLINE_EXCEEDED') return error;
  const done = windows.filter((window) => isDone(window, whisper)).length;
  const tokens = windows.reduce((sum, window) => sum + window.tokens.length, 0);
  return new ServingError(
    'DEADLINE_EXCEEDED',
    `${done} of ${windows.length} windows of up to ${whisper.frames / FRAMES_PER_SECOND} s were transcribed (${tokens} tokens) when ${message}`,
    { cause: error },
  );
};

/**
 * Decodes `windows` until their tokens stand for all of their audio.
 *
 * @param windows of one request, with equal options
 * @throws `DEADLINE_EXCEEDED` with the progress, `INFERENCE_FAILED`
 */
export const transcribe = async (
  windows: readonly Window[],
  whisper: WhisperModel,
  { graphs, maxBatch }: Pick<TaskModel, 'graphs' | 'maxBatch'>,
  lap: Lap,
): Promise<void> => {
  const beams = windows[0]?.options.beams ?? 1;
  const fitting = fittingWindows(graphOf(graphs, 'decoder').signature, beams, whisper.frames);
  const together = Math.max(1, Math.min(Math.floor(maxBatch / beams), fitting));
  try {
    for (let open = windows; open.length > 0; open = open.filter((window) => !isDone(window, whisper)))
      await decodeWindows(open.slice(0, together), whisper, graphs, lap);
  } catch (error) {
    throw withProgress(error, windows, whisper);
  }
};
