import { describe, expect, it } from '@jest/globals';
import { createStopTexts } from '../../../../src/generation/causal/stop-texts.ts';

/** The pieces that come out, and the rest; `true` stands for a stop that was found. */
const pass = (stops: readonly string[], pieces: readonly string[]): (string | true)[] => {
  const texts = createStopTexts(stops);
  const out: (string | true)[] = [];
  for (const piece of pieces) {
    const { text, isFound } = texts.push(piece);
    out.push(text);
    if (isFound) return [...out, true];
  }
  return [...out, texts.end()];
};

describe('texts that stop an answer', () => {
  it('pass everything on when there are none', () => {
    expect(pass([], ['a', '', 'b'])).toEqual(['a', '', 'b', '']);
  });

  it('are found across the borders of pieces, and are not part of the answer', () => {
    expect(pass(['\n\nUser'], ['Hi', '\n', '\nUs', 'er: no'])).toEqual(['Hi', '', '', '', true]);
  });

  it('hold back only what they may begin with', () => {
    expect(pass(['abc'], ['xab', 'ab', 'd'])).toEqual(['x', 'ab', 'abd', '']);
    expect(pass(['aab'], ['a', 'a', 'a', 'b'])).toEqual(['', '', 'a', '', true]);
  });

  it('give back at the end what was held back', () => {
    expect(pass(['END'], ['the E', 'N'])).toEqual(['the ', '', 'EN']);
  });

  it('end an answer at the first of several', () => {
    expect(pass(['yes', 'no'], ['so no', ' yes'])).toEqual(['so ', true]);
    expect(pass(['b', 'ab'], ['xab'])).toEqual(['x', true]);
  });
});
