import * as v from 'valibot';
import { type Answer, jsonAnswer } from '../../../core/answer.ts';
import { ServingError } from '../../../core/errors.ts';
import type { Payload } from '../../../core/payload.ts';
import type { Signature } from '../../../core/tensor.ts';
import { assertMergedDecoder } from '../../../generation/decoder.ts';
import { decodeAudioFiles } from '../../../media/audio/decode-audio-files.ts';
import { type AudioFiles, toAudioFiles } from '../../../media/audio/input.ts';
import { createLogMel, SAMPLE_RATE } from '../../../media/audio/log-mel.ts';
import { createSilence } from '../../../media/audio/wav.ts';
import { oneByOne } from '../../one-by-one.ts';
import type { Lap, Task, TaskModel } from '../../task.ts';
import { hear } from './hear.ts';
import { assertEncoder, type Ears } from './listen.ts';
import { readWhisperOptions, type WhisperOptions } from './options.ts';
import { type Part, toHeardPart, toParts } from './parts.ts';
import { toTextChunks } from './transcript.ts';
import { loadVocabulary, type Vocabulary } from './vocabulary.ts';
import { parseWhisperConfig, type WhisperConfig, whisperSettingsSchema } from './whisper-config.ts';

interface Request {
  readonly recordings: AudioFiles;
  readonly options: WhisperOptions;
}

/** `{text}`, or with the chunks that were asked for. */
export interface Transcript {
  readonly text: string;
  readonly chunks?: readonly {
    /** English name; null where the model does not say. */
    readonly language?: string | null;
    readonly timestamp?: readonly (number | null)[];
    readonly text: string;
  }[];
}

const FRAMES_PER_SECOND = 100;

/** @throws `MODEL_INVALID` when `settings` or graphs are not Whisper's, or contradict each other */
export const createEars = (
  settings: unknown,
  signatures: { readonly encoder: Signature; readonly decoder: Signature },
): Ears => {
  const parsed = v.safeParse(whisperSettingsSchema, settings);
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `Whisper's settings: ${v.summarize(parsed.issues)}`);
  const { melBins: bins, seconds } = parsed.output;
  const frames = seconds * FRAMES_PER_SECOND;
  assertEncoder(signatures.encoder, bins, frames);
  assertMergedDecoder(signatures.decoder);
  return { config: parseWhisperConfig(parsed.output), bins, frames, toSpectrogram: createLogMel(bins, frames) };
};

/** What `parts` of one recording say, once they are heard. */
export const toTranscript = (parts: readonly Part[], vocabulary: Vocabulary, config: WhisperConfig): Transcript => {
  const { timestamps, returnLanguage } = (parts[0] as Part).options;
  const heard = parts.map((part, index) => toHeardPart(part, index, parts.length, vocabulary, config));
  const chunks = toTextChunks(heard, vocabulary, timestamps);
  const text = chunks.map((chunk) => chunk.text).join('');
  if (!timestamps && !returnLanguage) return { text };
  return {
    text,
    chunks: chunks.map((chunk) => ({
      ...(returnLanguage && { language: chunk.language }),
      ...(timestamps && { timestamp: chunk.timestamp }),
      text: chunk.text,
    })),
  };
};

/**
 * Speech to text by Whisper: encoder `input_features` float32[B,bins,frames] → `last_hidden_state` float32[B,S,D], and the merged
 * decoder, as Optimum exports them. Answers as the Hugging Face pipeline with `chunk_length_s`.
 *
 * @throws `MODEL_INVALID` when `settings` or graphs are not Whisper's, or contradict each other
 */
export const createWhisper = (
  settings: unknown,
  signatures: { readonly encoder: Signature; readonly decoder: Signature },
): Task => {
  const ears = createEars(settings, signatures);
  const { config } = ears;
  const logitsWidth = signatures.decoder.outputs.find(({ name }) => name === 'logits')?.shape[2];

  const decode = (payload: Payload): Request => ({
    options: readWhisperOptions(payload.parameters, config, ears.frames / FRAMES_PER_SECOND),
    recordings: toAudioFiles(payload),
  });

  /** Parts of all recordings of a request share runs. Requests follow one another: an hour of sound at a time is enough. */
  const answer = async ({ recordings, options }: Request, model: TaskModel, lap: Lap): Promise<Answer> => {
    const samples = await decodeAudioFiles(recordings, SAMPLE_RATE);
    const parts = samples.map((recording) => toParts(recording, options));
    lap('preprocess');
    await hear(parts.flat(), ears, model, lap);
    const transcripts = parts.map((own) => toTranscript(own, model.resources as Vocabulary, config));
    lap('postprocess');
    return jsonAnswer(recordings.isList ? transcripts : transcripts[0]);
  };

  return {
    decode,
    blank: () =>
      decode({ inputs: createSilence(1, SAMPLE_RATE), contentType: 'audio/wav', parameters: { max_new_tokens: 1 } }),
    load: (read) => loadVocabulary(read, config, typeof logitsWidth === 'number' ? logitsWidth : undefined),
    predict: oneByOne(answer),
  };
};
