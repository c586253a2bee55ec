import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Compared,
  type ComparedSpectrogram,
  measureCases,
  measureSpectrograms,
} from '../support/parity/whisper.ts';

/** Made by test/reference/whisper.py with transformers, optimum-onnx and onnxruntime. All cases: test/long/generation-parity. */
describe('Whisper against its reference', () => {
  let cases: readonly Compared[];
  let spectrograms: readonly ComparedSpectrogram[];

  beforeAll(async () => {
    spectrograms = await measureSpectrograms();
    cases = await measureCases(32, 1, 4);
  });

  it('computes the same spectrograms', () => {
    expect(spectrograms.length).toBeGreaterThanOrEqual(14);
    expect(spectrograms.filter(({ difference }) => !(difference <= 1e-4))).toEqual([]);
  });

  it('says the same with the same tokens, at the same times and in the same languages', () => {
    expect(cases.length).toBeGreaterThanOrEqual(12);
    expect(cases.map(({ actual }) => actual)).toEqual(cases.map(({ expected }) => expected));
  });

  it('says the same when every chunk runs alone', async () => {
    const alone = await measureCases(1, 2, 5);
    expect(alone.length).toBeGreaterThanOrEqual(2);
    expect(alone.map(({ actual }) => actual)).toEqual(alone.map(({ expected }) => expected));
  });

  it('is compared where the reference has a clear favourite', () => {
    const margins = cases.flatMap(({ expected: { margin } }) => margin ?? []);
    expect(Math.min(...margins)).toBeGreaterThan(1e-4);
  });
});
