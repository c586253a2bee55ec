import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSession, type Session } from '../../../src/engine/session.ts';
import { createLogMel } from '../../../src/media/audio/log-mel.ts';
import { readWhisperOptions } from '../../../src/tasks/automatic-speech-recognition/whisper/options.ts';
import { transcribe } from '../../../src/tasks/automatic-speech-recognition/whisper/transcribe.ts';
import { loadVocabulary, type Vocabulary } from '../../../src/tasks/automatic-speech-recognition/whisper/vocabulary.ts';
import { type Transcript, toTranscript } from '../../../src/tasks/automatic-speech-recognition/whisper/whisper.ts';
import { createWhisperModel } from '../../../src/tasks/automatic-speech-recognition/whisper/whisper-model.ts';
import { toWindows, type Window } from '../../../src/tasks/automatic-speech-recognition/whisper/windows.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import { type RecordingSpec, recording } from '../recording.ts';
import type { ParityRow } from './parity-row.ts';

const MODEL = 'tiny-whisper';
const FOLDER = join(FIXTURES, 'models', MODEL);
const BAR = 1e-4;

interface Spectrogram {
  readonly name: string;
  readonly recording: RecordingSpec;
  readonly bins: number;
  readonly values: string;
}

/** What transformers' pipeline answered, and by how much the best token led where that was closest; of beams that is not known. */
interface Case {
  readonly recording: RecordingSpec;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What differs from the model's own generation_config.json; null where a field is left out. */
  readonly generation_config?: Readonly<Record<string, unknown>>;
  readonly tokens: readonly (readonly number[])[];
  readonly languages?: readonly string[];
  readonly margin?: number;
  readonly answer: Transcript;
}

interface Reference {
  readonly logMel: { readonly frames: readonly number[]; readonly spectrograms: readonly Spectrogram[] };
  readonly cases: Readonly<Record<string, Case>>;
}

interface Measured extends Pick<Case, 'tokens' | 'languages' | 'margin' | 'answer'> {
  readonly name: string;
}

export interface Compared {
  readonly actual: Measured;
  readonly expected: Measured;
}

const readReference = async (): Promise<Reference> =>
  (await readJson(join(FIXTURES, 'reference/whisper.json'))) as Reference;

/** The largest difference of each spectrogram from the reference's, in the frames that it keeps. */
export interface ComparedSpectrogram {
  readonly name: string;
  readonly bins: number;
  readonly difference: number;
}

export const measureSpectrograms = async (): Promise<ComparedSpectrogram[]> => {
  const { frames, spectrograms } = (await readReference()).logMel;
  return spectrograms.map(({ name, recording: spec, bins, values }) => {
    const all = createLogMel(bins, 3_000)(recording(spec));
    const expected = decodeFloats(values);
    if (expected.length !== bins * frames.length) throw new Error(`${name}: ${expected.length} values`);
    const differences = Array.from(expected, (value, index) => {
      const bin = Math.floor(index / frames.length);
      const frame = frames[index % frames.length] as number;
      return Math.abs((all[bin * 3_000 + frame] ?? Number.NaN) - value);
    });
    return { name, bins, difference: Math.max(...differences) };
  });
};

/** Transcribes the recording of one case with its own fields of `generation_config.json`. */
const transcribeCase = async (
  { recording: spec, parameters, generation_config: overrides }: Case,
  encoder: Session,
  decoder: Session,
  maxBatch: number,
): Promise<{ windows: readonly Window[]; vocabulary: Vocabulary; answer: Transcript }> => {
  const generation = {
    ...((await readJson(join(FOLDER, 'generation_config.json'))) as Record<string, unknown>),
    ...overrides,
  };
  const settings = { kind: 'whisper' as const, melBins: 80, seconds: 30, maxTokens: 64, generation };
  const whisper = createWhisperModel(settings, { encoder: encoder.signature, decoder: decoder.signature });
  const options = readWhisperOptions(parameters, whisper.config, 30);
  const windows = toWindows(recording(spec), options);
  await transcribe(windows, whisper, { graphs: { encoder, decoder }, maxBatch }, () => {});
  const vocabulary = await loadVocabulary((path) => readFile(join(FOLDER, path)), whisper.config);
  const answer = toTranscript(windows, options, vocabulary, whisper.config);
  return { windows, vocabulary, answer: JSON.parse(JSON.stringify(answer)) };
};

/**
 * Ours and the reference's for every case, or for those alone whose recordings have several windows.
 * @param every 1 for all of these, 4 for every fourth one
 */
export const measureCases = async (maxBatch = 32, fewestWindows = 1, every = 1): Promise<Compared[]> => {
  const { cases } = await readReference();
  const encoder = await createSession(join(FOLDER, 'encoder_model.onnx'), 1_769);
  const decoder = await createSession(join(FOLDER, 'decoder_model_merged.onnx'), 1_769);
  const measured: Compared[] = [];
  const long = Object.entries(cases).filter(([, { tokens }]) => tokens.length >= fewestWindows);
  for (const [name, one] of long.filter((_, index) => index % every === 0)) {
    const { tokens, languages, margin, answer } = one;
    const transcribed = await transcribeCase(one, encoder, decoder, maxBatch);
    const toLanguage = ({ languageId = -1 }: Window): string =>
      transcribed.vocabulary.tokenizer.token(languageId) ?? '';
    const same = { name, ...(margin !== undefined && { margin }) };
    measured.push({
      expected: { ...same, tokens, answer, ...(languages && { languages }) },
      actual: {
        ...same,
        tokens: transcribed.windows.map((window) => window.tokens),
        answer: transcribed.answer,
        ...(languages && { languages: transcribed.windows.map(toLanguage) }), // where the reference had to detect them
      },
    });
  }
  await encoder.release();
  await decoder.release();
  return measured;
};

const identical = (differing: number): string => (differing === 0 ? 'identical' : `${differing} differ`);

/** The rows of the task's page. */
export const whisperRows = (spectrograms: readonly ComparedSpectrogram[], cases: readonly Compared[]): ParityRow[] => {
  const differing = (field: 'tokens' | 'languages' | 'answer'): string =>
    identical(
      cases.filter(({ actual, expected }) => JSON.stringify(actual[field]) !== JSON.stringify(expected[field])).length,
    );
  const inputs = cases.length;
  return [
    {
      model: 'log-mel, 80 and 128 bins',
      inputs: spectrograms.length,
      compared: 'log-mel',
      worst: Math.max(...spectrograms.map(({ difference }) => difference)).toExponential(1),
      bar: String(BAR),
    },
    { model: MODEL, inputs, compared: 'token ids of every chunk', worst: differing('tokens'), bar: 'identical' },
    {
      model: MODEL,
      inputs: cases.filter(({ expected }) => expected.languages).length,
      compared: 'detected languages',
      worst: differing('languages'),
      bar: 'identical',
    },
    { model: MODEL, inputs, compared: 'text and timestamps', worst: differing('answer'), bar: 'identical' },
  ];
};
