import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { NEVER } from '../../../../src/core/deadline.ts';
import { decodeAudio } from '../../../../src/media/audio/decode-audio.ts';
import { createSilence } from '../../../../src/media/audio/wav.ts';
import { createSilentFlac } from '../../../support/silent-flac.ts';

/** A deadline that passes when it has been looked at `looks` times. */
const afterLooks = (looks: number) => {
  let left = looks;
  return { remainingMs: () => left-- };
};

describe('the deadline of a request with audio', () => {
  it('ends the decoding of an hour in 12 kB of FLAC within its first minutes', async () => {
    const hour = createSilentFlac(3_590);

    expect(hour.byteLength).toBeLessThan(13_000);
    await expect(decodeAudio(hour, 16_000, afterLooks(5))).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(/when \d{2,3} s of the audio were decoded/),
    });
  });

  it('ends the decoding of WAV between two blocks', async () => {
    await expect(decodeAudio(createSilence(60, 16_000), 8_000, afterLooks(3))).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('when 12 s of the audio were decoded'),
    });
  });

  it('ends the decoding of Ogg streams without samples between two of them', async () => {
    const opus = await readFile('test/fixtures/audio/mono.opus');
    const headers = opus.subarray(0, opus.indexOf('OggS', opus.indexOf('OpusTags')));

    await expect(decodeAudio(Buffer.concat(Array(99).fill(headers)), 16_000, afterLooks(5))).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });

  it.each([1, 2])(
    'leaves FLAC of %i channels that decodes in time alone, to its last frame of silence',
    async (channels) => {
      const samples = await decodeAudio(createSilentFlac(8, channels), 16_000, NEVER);

      expect(samples).toHaveLength(2 * 65_535);
      expect(samples.every((sample) => sample === 0)).toBe(true);
    },
  );
});
