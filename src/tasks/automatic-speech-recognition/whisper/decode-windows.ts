import { argMax } from '../../../core/arg-max.ts';
import { concatenate } from '../../../core/batch.ts';
import { element } from '../../../core/element.ts';
import type { Graph } from '../../../core/graph.ts';
import { type Tensor, type Tensors, tensor, tensorOf } from '../../../core/tensor.ts';
import { createDecoder, type Encoded } from '../../../generation/decoder.ts';
import { generate } from '../../../generation/generate.ts';
import { type GenerationConfig, lengthLimit } from '../../../generation/generation-config.ts';
import { type Graphs, graphOf } from '../../graph-of.ts';
import type { Lap } from '../../task.ts';
import type { WhisperOptions } from './options.ts';
import { DETECTED } from './prompt.ts';
import { cutAtTimestamps } from './segments.ts';
import { createTimestampProcessor } from './timestamp-logits.ts';
import type { WhisperConfig } from './whisper-config.ts';
import type { WhisperModel } from './whisper-model.ts';
import type { Window } from './windows.ts';

export const isDone = ({ decodedFrames }: Window, { frames }: WhisperModel): boolean => decodedFrames >= frames;

/** The spectrogram of the audio that is not decoded yet, with zeros behind it, as in the reference: not with silence. */
const toFeatures = (window: Window, { bins, frames, toSpectrogram }: WhisperModel): Tensor<'float32'> => {
  window.spectrogram ??= toSpectrogram(window.samples);
  const data = new Float32Array(bins * frames);
  for (let bin = 0; bin < bins; bin += 1)
    data.set(window.spectrogram.subarray(bin * frames + window.decodedFrames, (bin + 1) * frames), bin * frames);
  return tensor('float32', [1, bins, frames], data);
};

/** Runs window by window: together they would be no faster, and the attention of each takes 100 MB and more. */
const encode = async (
  windows: readonly Window[],
  whisper: WhisperModel,
  encoder: Graph,
  lap: Lap,
): Promise<Encoded> => {
  const encoded: Tensors[] = [];
  for (const window of windows) {
    const features = toFeatures(window, whisper);
    lap('preprocess');
    encoded.push(await encoder.run({ input_features: features }, ['last_hidden_state']));
    lap('run');
  }
  return { hiddenStates: tensorOf(concatenate(encoded), 'last_hidden_state', 'float32') };
};

/** The likeliest language of each row, by one step of the decoder after the start of the transcript. */
const detectLanguages = async (
  decoder: Graph,
  encoded: Encoded,
  rows: number,
  { search, languageIds = {} }: WhisperConfig,
): Promise<number[]> => {
  const ids = Object.values(languageIds);
  const start = Array.from({ length: rows }, () => [search.decoderStartTokenId]);
  const logits = await createDecoder(decoder, encoded).step(start);
  return logits.map((scores) => element(ids, argMax(Float32Array.from(ids, (id) => scores[id] ?? 0))));
};

/** The tokens of each window's prompt, which name its language. */
const toPrompts = async (
  windows: readonly Window[],
  decoder: Graph,
  encoded: Encoded,
  config: WhisperConfig,
): Promise<number[][]> => {
  const isOpen = ({ options: { prompt }, languageId }: Window): boolean =>
    prompt.includes(DETECTED) && languageId === undefined;
  const detected = windows.some(isOpen) ? await detectLanguages(decoder, encoded, windows.length, config) : [];
  return windows.map(({ options: { prompt }, languageId }, row) =>
    prompt.map((token) => (token === DETECTED ? (languageId ?? element(detected, row)) : token)),
  );
};

/** The search of a request: the model's own, changed by parameters. No text is longer than the decoder has positions for. */
const toSearch = (
  { prompt, beams, maxNewTokens }: WhisperOptions,
  { search, maxTokens }: WhisperConfig,
): GenerationConfig => {
  const asked = { ...search, numBeams: beams, ...(maxNewTokens !== undefined && { maxNewTokens }) };
  const longest = Math.min(lengthLimit(asked, prompt.length), maxTokens);
  return { ...asked, maxNewTokens: longest - prompt.length };
};

/** Adds generated tokens to a window, up to the last segment that is complete. */
const addTokens = (window: Window, ids: readonly number[], whisper: WhisperModel): void => {
  const firstTimestamp = whisper.config.timestampTokens?.first ?? Number.POSITIVE_INFINITY;
  const decoded = cutAtTimestamps(ids, firstTimestamp, whisper.frames - window.decodedFrames);
  window.tokens.push(...decoded.tokens);
  window.decodedFrames += decoded.frames;
  if (isDone(window, whisper)) window.spectrogram = undefined;
};

/**
 * Decodes the next segments of each window, from the first frame that is not decoded yet.
 *
 * @param windows at least one; their options are equal but for the language
 * @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED`: the windows are then as before
 */
export const decodeWindows = async (
  windows: readonly Window[],
  whisper: WhisperModel,
  graphs: Graphs,
  lap: Lap,
): Promise<void> => {
  const { config } = whisper;
  const { timestampTokens } = config;
  const decoder = graphOf(graphs, 'decoder');
  const { options } = element(windows, 0);
  const encoded = await encode(windows, whisper, graphOf(graphs, 'encoder'), lap);
  const prompts = await toPrompts(windows, decoder, encoded, config);

  const generated = await generate({
    decoder,
    encoded,
    prompts,
    config: toSearch(options, config),
    ...(options.timestamps &&
      timestampTokens && { processors: [createTimestampProcessor(timestampTokens, options.prompt.length)] }),
  });
  lap('run');

  const languageIds = Object.values(config.languageIds ?? {});
  windows.forEach((window, row) => {
    addTokens(window, generated[row]?.ids ?? [], whisper);
    window.languageId = prompts[row]?.find((token) => languageIds.includes(token));
  });
};
