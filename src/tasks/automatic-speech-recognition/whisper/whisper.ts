import { type Answer, jsonAnswer } from '../../../core/answer.ts';
import type { Payload } from '../../../core/payload.ts';
import { decodeAudioFiles } from '../../../media/audio/decode-audio-files.ts';
import { describeAudio } from '../../../media/audio/features.ts';
import { type AudioFiles, toAudioFiles, totalSeconds } from '../../../media/audio/input.ts';
import { SAMPLE_RATE } from '../../../media/audio/log-mel.ts';
import { createSilence } from '../../../media/audio/wav.ts';
import { listElements } from '../../elements.ts';
import { oneByOne } from '../../one-by-one.ts';
import type { Lap, Task, TaskModel } from '../../task.ts';
import type { WhisperSettings } from '../settings.ts';
import { readWhisperOptions, type WhisperOptions } from './options.ts';
import { toTextChunks } from './text-chunks.ts';
import { transcribe } from './transcribe.ts';
import { loadVocabulary, type Vocabulary } from './vocabulary.ts';
import type { WhisperConfig } from './whisper-config.ts';
import { createWhisperModel, FRAMES_PER_SECOND, type WhisperModel, type WhisperSignatures } from './whisper-model.ts';
import { toTranscribedWindow, toWindows, type Window } from './windows.ts';

interface Request {
  readonly audio: AudioFiles;
  readonly options: WhisperOptions;
}

/** `{text}`, or with the chunks that were asked for. */
export interface Transcript {
  readonly text: string;
  readonly chunks?: readonly {
    /** English name; null when the model does not say. */
    readonly language?: string | null;
    readonly timestamp?: readonly (number | null)[];
    readonly text: string;
  }[];
}

/** The text of an audio file, from all of its windows after `transcribe`. */
export const toTranscript = (
  windows: readonly Window[],
  { timestamps, returnLanguage }: WhisperOptions,
  vocabulary: Vocabulary,
  config: WhisperConfig,
): Transcript => {
  const transcribed = windows.map((window, index) =>
    toTranscribedWindow(window, index, windows.length, vocabulary, config),
  );
  const chunks = toTextChunks(transcribed, vocabulary, timestamps);
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

/** Answers one request. The windows of all its audio files share runs. */
const answer = async (
  { audio, options }: Request,
  whisper: WhisperModel,
  { graphs, resources: vocabulary, maxBatch, deadline }: TaskModel<Vocabulary>,
  lap: Lap,
): Promise<Answer> => {
  const files = await decodeAudioFiles(audio, SAMPLE_RATE, deadline);
  const windows = files.map((samples) => toWindows(samples, options));
  lap('preprocess');
  await transcribe(windows.flat(), whisper, { graphs, maxBatch }, lap);
  const transcripts = windows.map((own) => toTranscript(own, options, vocabulary, whisper.config));
  lap('postprocess');
  return jsonAnswer(audio.isList ? transcripts : transcripts[0], [], {
    audioSeconds: totalSeconds(files, SAMPLE_RATE),
  });
};

/**
 * Transcription by Whisper: the encoder `input_features` float32[B,bins,frames] → `last_hidden_state` float32[B,S,D], and the merged
 * decoder, as Optimum exports them. Answers are those of the Hugging Face pipeline with `chunk_length_s`. Requests run one after another, since
 * each may bring an hour of audio.
 *
 * @throws `MODEL_INVALID` when settings or graphs are not those of a Whisper model, or contradict each other
 */
export const createWhisper = (settings: WhisperSettings, signatures: WhisperSignatures): Task<Request, Vocabulary> => {
  const whisper = createWhisperModel(settings, signatures);
  const { config, frames } = whisper;
  const logitsWidth = signatures.decoder.outputs.find(({ name }) => name === 'logits')?.shape[2];

  const decode = (payload: Payload): Request => ({
    options: readWhisperOptions(payload.parameters, config, frames / FRAMES_PER_SECOND),
    audio: toAudioFiles(payload),
  });

  return {
    elements: listElements,

    decode,
    describe: ({ audio }, { deadline }) => describeAudio(audio, deadline),
    blank: () =>
      decode({ inputs: createSilence(1, SAMPLE_RATE), contentType: 'audio/wav', parameters: { max_new_tokens: 1 } }),
    load: (read) => loadVocabulary(read, config, typeof logitsWidth === 'number' ? logitsWidth : undefined),
    predict: oneByOne((request, model, lap) => answer(request, whisper, model, lap)),
  };
};
