import { concatenate } from '../../../core/batch.ts';
import { ServingError } from '../../../core/errors.ts';
import type { Graph } from '../../../core/graph.ts';
import type { Signature, Tensor, Tensors } from '../../../core/tensor.ts';
import { createDecoder, type Encoded } from '../../../generation/decoder.ts';
import { generate } from '../../../generation/generate.ts';
import { type GenerationConfig, lengthLimit } from '../../../generation/generation-config.ts';
import { argMax } from '../../../generation/greedy-search.ts';
import type { Lap, TaskModel } from '../../task.ts';
import type { WhisperOptions } from './options.ts';
import type { Part } from './parts.ts';
import { type PromptToken, SPOKEN } from './prompt.ts';
import { cutAtTimestamps } from './segments.ts';
import { createTimestampProcessor } from './timestamp-logits.ts';
import type { WhisperConfig } from './whisper-config.ts';

/** What listening needs to know of the model. */
export interface Ears {
  readonly config: WhisperConfig;
  readonly bins: number;
  readonly frames: number;
  readonly toSpectrogram: (samples: Float32Array) => Float32Array;
}

export const isDone = ({ heardFrames }: Part, { frames }: Ears): boolean => heardFrames >= frames;

/** The part's spectrogram from where it was heard up to, with zeros behind it, as the reference has it: not with silence. */
const toFeatures = (part: Part, { bins, frames, toSpectrogram }: Ears): Tensor<'float32'> => {
  part.spectrogram ??= toSpectrogram(part.samples);
  const data = new Float32Array(bins * frames);
  for (let bin = 0; bin < bins; bin += 1)
    data.set(part.spectrogram.subarray(bin * frames + part.heardFrames, (bin + 1) * frames), bin * frames);
  return { dtype: 'float32', shape: [1, bins, frames], data };
};

/** Runs part by part: together they would be no faster, and the attention of each takes 100 MB and more. */
const encode = async (parts: readonly Part[], ears: Ears, encoder: Graph, lap: Lap): Promise<Encoded> => {
  const encoded: Tensors[] = [];
  for (const part of parts) {
    const features = toFeatures(part, ears);
    lap('preprocess');
    encoded.push(await encoder.run({ input_features: features }, ['last_hidden_state']));
    lap('run');
  }
  const { last_hidden_state: hiddenStates } = concatenate(encoded);
  return { hiddenStates: hiddenStates as Tensor };
};

/** The likeliest language after the start of the transcript, for each row: by one step of the decoder. */
const detectLanguages = async (
  decoder: Graph,
  encoded: Encoded,
  rows: number,
  { search, languageIds = {} }: WhisperConfig,
): Promise<number[]> => {
  const ids = Object.values(languageIds);
  const start = Array.from({ length: rows }, () => [search.decoderStartTokenId]);
  const logits = await createDecoder(decoder, encoded).step(start);
  return logits.map((scores) => ids[argMax(Float32Array.from(ids, (id) => scores[id] as number))] as number);
};

const toPrompt = (tokens: readonly PromptToken[], languageId: number | undefined): number[] =>
  tokens.map((token) => (token === SPOKEN ? (languageId as number) : token));

/** The model's search as a request wants it; no text is longer than the decoder has positions for. */
const toSearch = (
  { prompt, beams, maxNewTokens }: WhisperOptions,
  { search, maxTokens }: WhisperConfig,
): GenerationConfig => {
  const asked = { ...search, numBeams: beams, ...(maxNewTokens !== undefined && { maxNewTokens }) };
  const longest = Math.min(lengthLimit(asked, prompt.length), maxTokens);
  return { ...asked, maxNewTokens: longest - prompt.length };
};

/**
 * Listens to each part once: from where it was heard up to, as far as Whisper says that it understood.
 *
 * @param parts of equal options, where those are about more than their language
 * @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED`: the parts are then as they were
 */
export const listen = async (parts: readonly Part[], ears: Ears, { graphs }: TaskModel, lap: Lap): Promise<void> => {
  const { encoder, decoder } = graphs as { readonly encoder: Graph; readonly decoder: Graph };
  const { config, frames } = ears;
  const [{ options }] = parts as readonly [Part];
  const encoded = await encode(parts, ears, encoder, lap);
  const undecided = parts.some(
    ({ options: { prompt }, languageId }) => prompt.includes(SPOKEN) && languageId === undefined,
  );
  const detected = undecided ? await detectLanguages(decoder, encoded, parts.length, config) : [];
  const languageIds = parts.map(({ languageId }, row) => languageId ?? detected[row]);
  const prompts = parts.map((part, row) => toPrompt(part.options.prompt, languageIds[row]));
  const promptLength = options.prompt.length;

  const generated = await generate({
    decoder,
    encoded,
    prompts,
    config: toSearch(options, config),
    ...(options.timestamps &&
      config.timestampTokens && { processors: [createTimestampProcessor(config.timestampTokens, promptLength)] }),
  });
  lap('run');

  const firstTimestamp = config.timestampTokens?.first ?? Number.POSITIVE_INFINITY;
  parts.forEach((part, row) => {
    const heard = cutAtTimestamps(generated[row]?.ids ?? [], firstTimestamp, frames - part.heardFrames);
    part.tokens.push(...heard.tokens);
    part.heardFrames += heard.frames;
    part.languageId = prompts[row]?.find((token) => Object.values(config.languageIds ?? {}).includes(token));
    if (isDone(part, ears)) part.spectrogram = undefined;
  });
};

/** @throws `MODEL_INVALID` */
export const assertEncoder = ({ inputs, outputs }: Signature, bins: number, frames: number): void => {
  const features = inputs.find(({ name }) => name === 'input_features');
  const states = outputs.find(({ name }) => name === 'last_hidden_state');
  const fits = (size: number | string | undefined, expected: number): boolean =>
    typeof size === 'string' || size === expected;
  const [, graphBins, graphFrames] = features?.shape ?? [];
  if (features?.dtype !== 'float32' || states?.dtype !== 'float32' || features.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      'the encoder of Whisper needs an input "input_features" float32[B,bins,frames] and an output "last_hidden_state" float32[B,S,D]; export it in another precision',
    );
  if (!fits(graphBins, bins) || !fits(graphFrames, frames))
    throw new ServingError(
      'MODEL_INVALID',
      `the encoder takes ${graphBins} mel bins of ${graphFrames} frames, preprocessor_config.json says ${bins} ("feature_size") of ${frames} (100 for each second of "chunk_length"): they are of different models`,
    );
};
