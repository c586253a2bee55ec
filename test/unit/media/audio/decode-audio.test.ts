import { describe, expect, it } from '@jest/globals';
import { compareRecording, RECORDINGS } from '../../../support/parity/audio.ts';

/** Made by test/reference/audio.py. */
describe('samples of an audio file', () => {
  it.each(RECORDINGS)('are those of libsndfile, resampled as torchaudio does: %s', async (file) => {
    const { difference, bar } = await compareRecording(file);
    expect(difference).toBeLessThanOrEqual(bar);
  });
});
