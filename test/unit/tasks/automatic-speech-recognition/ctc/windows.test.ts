import { describe, expect, it } from '@jest/globals';
import {
  readWindowing,
  toReadOutputs,
  toWindows,
} from '../../../../../src/tasks/automatic-speech-recognition/ctc/windows.ts';

const RATE = 16_000;
const PER_OUTPUT = 320;
const seconds = (count: number): number => count * RATE;

const cut = (length: number, lengthSeconds: number, left: number, right: number) =>
  toWindows(length, { lengthSeconds, strideSeconds: [left, right] }, RATE, PER_OUTPUT);

/** How often each output of the recording is read. */
const countReads = (length: number, lengthSeconds: number, left: number, right: number): number[] => {
  const reads = new Array<number>(Math.floor(length / PER_OUTPUT)).fill(0);
  for (const window of cut(length, lengthSeconds, left, right)) {
    const [from, to] = toReadOutputs(window, PER_OUTPUT);
    const first = window.start / PER_OUTPUT;
    for (let output = first + from; output < first + to; output += 1) reads[output] = (reads[output] ?? 0) + 1;
  }
  return reads;
};

describe('windows of audio', () => {
  it.each([
    [70, 30, 5, 5],
    [31, 30, 5, 5],
    [60, 10, 1, 3],
    [12, 5, 0, 0],
    [3, 30, 5, 5],
    [25.62, 10, 4, 2],
  ])('are read once everywhere: %d s in windows of %d s', (length, lengthSeconds, left, right) => {
    expect(new Set(countReads(seconds(length), lengthSeconds, left, right))).toEqual(new Set([1]));
  });

  it('lie on whole outputs, the first from the start and the last to the end', () => {
    const windows = cut(seconds(70) + 17, 30, 5, 5);
    expect(windows.map(({ start }) => start % PER_OUTPUT)).toEqual(windows.map(() => 0));
    expect(windows[0]).toEqual({ start: 0, end: seconds(30), strideLeft: 0, strideRight: seconds(5) });
    expect(windows.at(-1)).toMatchObject({ end: seconds(70) + 17, strideRight: 0 });
  });

  it('move on whatever is asked for', () => {
    expect(toWindows(1_000, { lengthSeconds: 1, strideSeconds: [0.5, 0.4] }, 100, 50)).toHaveLength(19);
  });
});

describe('the parameters of windows', () => {
  it('have a sixth of the window on each side unless they say otherwise', () => {
    expect(readWindowing({ chunk_length_s: 12 })).toEqual({ lengthSeconds: 12, strideSeconds: [2, 2] });
    expect(readWindowing({ chunk_length_s: 12, stride_length_s: 1 })).toEqual({
      lengthSeconds: 12,
      strideSeconds: [1, 1],
    });
    expect(readWindowing({ chunk_length_s: 12, stride_length_s: [4, 0] })).toEqual({
      lengthSeconds: 12,
      strideSeconds: [4, 0],
    });
  });

  it('ask for none when they are 0 or not there', () => {
    expect(readWindowing({})).toBeUndefined();
    expect(readWindowing({ chunk_length_s: 0 })).toBeUndefined();
    expect(readWindowing({ chunk_length_s: null, stride_length_s: null })).toBeUndefined();
  });
});
