import { describe, expect, it } from '@jest/globals';
import { createLogMel } from '../../../../src/media/audio/log-mel.ts';
import { recording } from '../../../support/recording.ts';

const voice = recording([3, 24_000, 100, 1]);

/** Equality to the reference is asserted in test/integration/whisper-parity.test.ts. */
describe('log-mel spectrogram', () => {
  it('has a row for each mel bin and 100 columns a second', () => {
    expect(createLogMel(128, 300)(voice)).toHaveLength(128 * 300);
  });

  it('is level in silence', () => {
    expect(new Set(createLogMel(80, 100)(new Float32Array(8_000)))).toEqual(new Set([-1.5]));
  });

  it('takes what is missing for silence', () => {
    const padded = new Float32Array(48_000);
    padded.set(voice);
    expect([...createLogMel(80, 300)(voice)]).toEqual([...createLogMel(80, 300)(padded)]);
  });

  it('does not hear what is longer than it is', () => {
    const [logMel, cut] = [createLogMel(80, 100), voice.slice(0, 16_000)];
    expect([...logMel(voice)]).toEqual([...logMel(cut)]);
  });

  it('mirrors the audio at its end when it is as long as the spectrogram', () => {
    const mirrored = new Float32Array(17_000);
    mirrored.set(voice.subarray(0, 16_000));
    for (let n = 1; n < 1_000; n += 1) mirrored[15_999 + n] = voice[15_999 - n] as number;
    const [whole, longer] = [createLogMel(80, 100)(voice), createLogMel(80, 105)(mirrored)];
    const lastFrame = (mel: Float32Array, frames: number) =>
      Array.from({ length: 80 }, (_, bin) => mel[bin * frames + 99]);
    expect(lastFrame(whole, 100)).toEqual(lastFrame(longer, 105));
  });

  it('has nothing further below the loudest than 80 dB', () => {
    const mel = createLogMel(80, 300)(voice);
    expect(Math.max(...mel) - Math.min(...mel)).toBeCloseTo(2, 6);
  });

  it('finds a tone in the bin of its frequency', () => {
    const tone = Float32Array.from({ length: 16_000 }, (_, n) => Math.sin((2 * Math.PI * 1_000 * n) / 16_000));
    const mel = createLogMel(80, 100)(tone);
    const column = Array.from({ length: 80 }, (_, bin) => mel[bin * 100 + 50] as number);
    // 1 kHz is mel 15 of 45.2, spread over 81 intervals.
    expect(column.indexOf(Math.max(...column))).toBe(Math.round((15 / 45.245) * 81) - 1);
  });
});
