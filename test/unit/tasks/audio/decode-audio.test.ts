import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeAudio } from '../../../../src/tasks/audio/decode-audio.ts';
import { decodeFloats, FIXTURES, readJson } from '../../../support/image-parity.ts';

const SAMPLE_RATE = 16_000;

interface Expected {
  readonly sampleRate: number;
  readonly length: number;
  readonly every: number;
  readonly samples: string;
}

const reference = (await readJson(path.join(FIXTURES, 'reference/audio.json'))) as { files: Record<string, Expected> };

const read = async (name: string): Promise<Buffer> => readFile(path.join(FIXTURES, 'audio', name));

/** Exact, but for rounding where something is resampled or decoded by another build of the codec. */
const tolerance = (name: string, { sampleRate }: Expected): number => {
  if (name.endsWith('.opus')) return 5e-5;
  return /\.(mp3|ogg)$/.test(name) || sampleRate !== SAMPLE_RATE ? 2e-6 : 0;
};

describe('samples of a recording', () => {
  it.each(Object.entries(reference.files))(
    '%s: are those of libsndfile, resampled as torchaudio does',
    async (name, expected) => {
      const samples = await decodeAudio(await read(name), SAMPLE_RATE);
      const compared = samples.filter((_, index) => index % expected.every === 0);
      const differences = decodeFloats(expected.samples).map((value, index) =>
        Math.abs(value - (compared[index] as number)),
      );
      expect(samples.length).toBe(expected.length);
      expect(Math.max(...differences)).toBeLessThanOrEqual(tolerance(name, expected));
    },
  );
});
