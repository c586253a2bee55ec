import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NEVER } from '../../../src/core/deadline.ts';
import { decodeAudio } from '../../../src/media/audio/decode-audio.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import type { ParityRow } from './parity-row.ts';

const SAMPLE_RATE = 16_000;

interface Expected {
  /** The file's own. */
  readonly sampleRate: number;
  /** At 16 kHz. */
  readonly length: number;
  /** Which of them are kept: every so many-th. */
  readonly every: number;
  readonly samples: string;
}

const { files } = (await readJson(join(FIXTURES, 'reference/audio.json'))) as { files: Record<string, Expected> };

export interface Comparison {
  readonly file: string;
  readonly kind: string;
  /** Of samples from -1 to 1. */
  readonly difference: number;
  readonly bar: number;
}

/** Other builds of a codec round otherwise, and so does a kernel in single precision. Opus decoders may differ by more (RFC 6716, 6). */
const KINDS: readonly (readonly [kind: string, matches: (file: string, expected: Expected) => boolean, bar: number])[] =
  [
    ['Ogg Opus', (file) => file.endsWith('.opus'), 5e-5],
    ['MP3, Ogg Vorbis', (file) => /\.(mp3|ogg)$/.test(file), 2e-6],
    ['WAV, FLAC at 16 kHz', (_, { sampleRate }) => sampleRate === SAMPLE_RATE, 0],
    ['WAV, FLAC at other rates', () => true, 2e-6],
  ];

/** How far the samples of a recording lie from those that libsndfile decodes, mixed down and resampled by torchaudio. */
const compareRecording = async (file: string): Promise<Comparison> => {
  const expected = files[file] as Expected;
  const [kind, , bar] = KINDS.find(([, matches]) => matches(file, expected)) as (typeof KINDS)[number];
  const samples = await decodeAudio(await readFile(join(FIXTURES, 'audio', file)), SAMPLE_RATE, NEVER);
  if (samples.length !== expected.length) throw new Error(`${file}: ${samples.length} samples, not ${expected.length}`);
  const kept = samples.filter((_, index) => index % expected.every === 0);
  const differences = decodeFloats(expected.samples).map((sample, index) => Math.abs(sample - (kept[index] as number)));
  return { file, kind, difference: Math.max(...differences), bar };
};

export const compareRecordings = async (): Promise<Comparison[]> => {
  const comparisons: Comparison[] = [];
  for (const file of Object.keys(files)) comparisons.push(await compareRecording(file));
  return comparisons;
};

/** The rows of the task's page. */
export const audioRows = (comparisons: readonly Comparison[]): ParityRow[] =>
  [...Map.groupBy(comparisons, ({ kind }) => kind)].map(([kind, own]) => {
    const worst = Math.max(...own.map(({ difference }) => difference));
    const bar = own[0]?.bar === 0 ? 'identical' : String(own[0]?.bar);
    const shown = worst === 0 ? 'identical' : worst.toExponential(1);
    return { model: kind, inputs: own.length, compared: 'samples', worst: shown, bar };
  });
