import type { Deadline } from '../../core/deadline.ts';
import type { Features } from '../../core/features.ts';
import { decodeAudio } from './decode-audio.ts';
import type { AudioFiles } from './input.ts';

const SAMPLE_RATE = 16_000;
/** Samples from here on touch the end of the scale. */
const CLIPPED = 0.999;
/** Decibels that stand for silence. */
const SILENCE = -120;

/** Length in seconds, loudness in decibels below full scale (of the root mean square), and the share of clipped samples. */
const audioFeatures = async (file: Uint8Array, deadline: Deadline): Promise<Features> => {
  const samples = await decodeAudio(file, SAMPLE_RATE, deadline);
  let [squares, clipped] = [0, 0];
  for (const sample of samples) {
    squares += sample ** 2;
    if (Math.abs(sample) >= CLIPPED) clipped += 1;
  }
  const loudness = Math.max(SILENCE, 10 * Math.log10(squares / samples.length));
  return { seconds: samples.length / SAMPLE_RATE, loudness, clipped_share: clipped / samples.length };
};

/** See `audioFeatures`: one file after the other. */
export const describeAudio = async ({ files }: AudioFiles, deadline: Deadline): Promise<Features[]> => {
  const features: Features[] = [];
  for (const file of files) features.push(await audioFeatures(file, deadline));
  return features;
};
