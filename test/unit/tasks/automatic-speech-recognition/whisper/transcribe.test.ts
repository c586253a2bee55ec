import { describe, expect, it } from '@jest/globals';
import { NEVER } from '../../../../../src/core/deadline.ts';
import { ServingError } from '../../../../../src/core/errors.ts';
import type { Graph } from '../../../../../src/core/graph.ts';
import type { Signature, TensorSpec, Tensors } from '../../../../../src/core/tensor.ts';
import { readWhisperOptions } from '../../../../../src/tasks/automatic-speech-recognition/whisper/options.ts';
import {
  fittingWindows,
  transcribe,
} from '../../../../../src/tasks/automatic-speech-recognition/whisper/transcribe.ts';
import { createWhisperModel } from '../../../../../src/tasks/automatic-speech-recognition/whisper/whisper-model.ts';
import { toWindows, type Window } from '../../../../../src/tasks/automatic-speech-recognition/whisper/windows.ts';
import type { TaskModel } from '../../../../../src/tasks/task.ts';

const [EOS, START, EN, DE, NO_TIMESTAMPS, VOCABULARY] = [10, 11, 12, 13, 14, 20];

const spec = (
  name: string,
  shape: readonly (number | string)[],
  dtype: TensorSpec['dtype'] = 'float32',
): TensorSpec => ({
  name,
  dtype,
  shape,
});

const ENCODER: Signature = {
  inputs: [spec('input_features', ['batch', 80, 'frames'])],
  outputs: [spec('last_hidden_state', ['batch', 'positions', 1])],
};

const CACHE = ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value'];

const DECODER: Signature = {
  inputs: [
    spec('input_ids', ['batch', 'tokens'], 'int64'),
    spec('encoder_hidden_states', ['batch', 'positions', 1]),
    ...CACHE.map((name) => spec(`past_key_values.0.${name}`, ['batch', 1, 'past', 1])),
    spec('use_cache_branch', [1], 'bool'),
  ],
  outputs: [
    spec('logits', ['batch', 'tokens', VOCABULARY]),
    ...CACHE.map((name) => spec(`present.0.${name}`, ['batch', 1, 'past', 1])),
  ],
};

const SETTINGS = {
  kind: 'whisper' as const,
  melBins: 80,
  seconds: 30,
  maxTokens: 8,
  generation: {
    decoder_start_token_id: START,
    eos_token_id: EOS,
    lang_to_id: { '<|en|>': EN, '<|de|>': DE },
    no_timestamps_token_id: NO_TIMESTAMPS,
  },
};

/** Takes the loudness of audio through the encoder to its tokens; the decoder gives `reply`, one token a step. */
const createModel = (reply: (loud: boolean, step: number) => number, failAt = Number.POSITIVE_INFINITY) => {
  const batches: number[] = [];
  let runs = 0;
  const countRun = (): void => {
    runs += 1;
    if (runs > failAt) throw new ServingError('DEADLINE_EXCEEDED', 'the deadline passed 3 ms ago');
  };
  const encoder: Graph = {
    signature: ENCODER,
    async run({ input_features: features }) {
      countRun();
      const [rows = 0, bins = 0, frames = 0] = features?.shape ?? [];
      const data = features?.data as Float32Array;
      const loudness = Float32Array.from({ length: rows }, (_, row) =>
        data.subarray(row * bins * frames, (row + 1) * bins * frames).some((level) => level > 0) ? 1 : 0,
      );
      return { last_hidden_state: { dtype: 'float32', shape: [rows, 1, 1], data: loudness } };
    },
  };
  const decoder: Graph = {
    signature: DECODER,
    async run(feeds, names = []) {
      countRun();
      const [rows = 0, tokens = 0] = feeds.input_ids?.shape ?? [];
      const past = feeds.use_cache_branch?.data[0] === 0 ? 0 : (feeds['past_key_values.0.decoder.key']?.shape[2] ?? 0);
      if (tokens > 1) batches.push(rows);
      const logits = new Float32Array(rows * tokens * VOCABULARY);
      for (let row = 0; row < rows; row += 1) {
        const token = reply((feeds.encoder_hidden_states?.data[row] as number) > 0, past + tokens - 1);
        logits[((row + 1) * tokens - 1) * VOCABULARY + token] = 1;
      }
      const outputs: Record<string, Tensors[string]> = {
        logits: { dtype: 'float32', shape: [rows, tokens, VOCABULARY], data: logits },
      };
      for (const name of names.filter((other) => other !== 'logits')) {
        const length = past + tokens;
        outputs[name] = { dtype: 'float32', shape: [rows, 1, length, 1], data: new Float32Array(rows * length) };
      }
      return outputs;
    },
  };
  return {
    batches,
    model: { graphs: { encoder, decoder }, resources: undefined, maxBatch: 2, deadline: NEVER } satisfies TaskModel,
  };
};

const whisper = createWhisperModel(SETTINGS, { encoder: ENCODER, decoder: DECODER });

const windowsOf = (seconds: number, loud: boolean, parameters: Record<string, unknown> = {}): Window[] => {
  const samples = new Float32Array(seconds * 16_000).map((_, n) => (loud ? Math.sin(n) : 0));
  return toWindows(samples, readWhisperOptions(parameters, whisper.config, 30));
};

/** The prompt has three tokens: loud audio is German with the tokens 1 2, quiet audio English with the token 3. */
const reply = (loud: boolean, step: number): number => {
  if (step === 0) return loud ? DE : EN;
  return (loud ? [1, 2, EOS] : [3, EOS])[step - 2] as number;
};

describe('transcription', () => {
  it('transcription gives each window its own language and tokens, in batches of at most maxBatch', async () => {
    const { model, batches } = createModel(reply);
    const windows = [...windowsOf(1, true), ...windowsOf(1, false), ...windowsOf(1, true)];
    await transcribe(windows, whisper, model, () => {});
    expect(windows.map(({ languageId, tokens }) => [languageId, tokens])).toEqual([
      [DE, [1, 2]],
      [EN, [3]],
      [DE, [1, 2]],
    ]);
    expect(batches).toEqual([2, 1]);
    expect(windows.map(({ spectrogram }) => spectrogram)).toEqual([undefined, undefined, undefined]); // a megabyte each
  });

  it('transcription reports its progress when the deadline passes', async () => {
    // For the first two: encoder twice, language, 3 steps; for the third: encoder, language, 1 step.
    const { model } = createModel(reply, 9);
    const windows = [...windowsOf(1, true), ...windowsOf(1, false), ...windowsOf(1, true)];
    await expect(transcribe(windows, whisper, model, () => {})).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(
        /^2 of 3 windows of up to 30 s were transcribed \(3 tokens\) when the deadline passed after 1 of up to 5 tokens/,
      ),
    });
  });

  it('transcription makes no text longer than the positions of the decoder', async () => {
    const { model } = createModel((_loud, step) => (step === 0 ? EN : 4));
    const windows = windowsOf(1, true);
    await transcribe(windows, whisper, model, () => {});
    expect(windows[0]?.tokens).toEqual([4, 4, 4, 4, 4]);
  });

  it('transcription decodes only as many windows together as memory suffices for', () => {
    const withLayers = (layers: number): Signature => ({
      inputs: Array.from({ length: layers }, (_, layer) =>
        CACHE.map((name) => spec(`past_key_values.${layer}.${name}`, ['batch', 6, 'past', 64])),
      ).flat(),
      outputs: [],
    });
    expect(fittingWindows(withLayers(4), 1, 3_000)).toBe(7); // Whisper tiny
    expect(fittingWindows(withLayers(4), 3, 3_000)).toBe(2);
    expect(fittingWindows(withLayers(16), 1, 3_000)).toBe(1);
    expect(fittingWindows(withLayers(64), 5, 3_000)).toBe(1);
  });
});

describe('windows of audio', () => {
  it.each([
    [0.5, [0.5]],
    [30, [30]],
    [31, [30, 11]],
    [50, [30, 30]],
    [75, [30, 30, 30, 15]],
  ])('windows of audio of %f s last %j s', (seconds, lengths) => {
    expect(windowsOf(seconds, false).map(({ samples }) => samples.length / 16_000)).toEqual(lengths);
  });
});

describe('Whisper graphs', () => {
  const [features] = ENCODER.inputs as [TensorSpec];

  it.each<[string, Signature, Signature, RegExp]>([
    [
      'an encoder of other mel bins',
      { ...ENCODER, inputs: [{ ...features, shape: ['batch', 128, 3_000] }] },
      DECODER,
      /takes 128 mel bins of 3000 frames, preprocessor_config.json says 80/,
    ],
    [
      'an encoder of other lengths',
      { ...ENCODER, inputs: [{ ...features, shape: ['batch', 80, 1_000] }] },
      DECODER,
      /of 1000 frames/,
    ],
    [
      'an encoder of half floats',
      { ...ENCODER, inputs: [{ ...features, dtype: 'float16' }] },
      DECODER,
      /float32\[B,bins,frames\]/,
    ],
    [
      'an encoder of texts',
      { ...ENCODER, inputs: [spec('input_ids', ['batch', 'tokens'], 'int64')] },
      DECODER,
      /"input_features"/,
    ],
    [
      'a decoder without its cache',
      ENCODER,
      { ...DECODER, inputs: DECODER.inputs.slice(0, 2) },
      /decoder_model_merged/,
    ],
  ])('%s are refused', (_what, encoder, decoder, message) => {
    expect(() => createWhisperModel(SETTINGS, { encoder, decoder })).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
