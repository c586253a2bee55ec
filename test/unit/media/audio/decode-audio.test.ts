import { expect, it } from '@jest/globals';
import { audioRows, compareRecordings } from '../../../support/parity/audio.ts';
import { barsOnPage, toBars } from '../../../support/parity/page-bars.ts';

/** Made by test/reference/audio.py. */
it('the samples of audio files are those of libsndfile, resampled as torchaudio does', async () => {
  const comparisons = await compareRecordings();
  expect(comparisons.length).toBeGreaterThan(40);
  expect(comparisons.filter(({ difference, bar }) => !(difference <= bar))).toEqual([]);
  expect(toBars(audioRows(comparisons))).toBe(await barsOnPage('automatic-speech-recognition', 'audio files'));
});
