import { describe, expect, it } from '@jest/globals';
import { formatApplied, parsePrefer } from '../../../src/http/prefer.ts';

describe('the header Prefer', () => {
  it.each([
    [undefined, { isAsync: false, waitSeconds: undefined }],
    ['respond-async', { isAsync: true, waitSeconds: undefined }],
    ['Respond-Async; foo=1, WAIT=10', { isAsync: true, waitSeconds: 10 }],
    ['wait="5"', { isAsync: false, waitSeconds: 5 }],
    ['handling=lenient, respond-async, wait=999999', { isAsync: true, waitSeconds: 25 }],
    ['respond-asyncs', { isAsync: false, waitSeconds: undefined }],
    ['', { isAsync: false, waitSeconds: undefined }],
  ])('%s is read', (header, expected) => {
    expect(parsePrefer(header)).toEqual(expected);
  });

  it.each(['wait=-1', 'respond-async, wait=1.5', 'wait', 'wait=1e3', 'wait=9999999999'])('%s is refused', (header) => {
    expect(() => parsePrefer(header)).toThrow(/wait is .*, expected whole seconds from 0/);
  });

  it('is answered with what was done of it', () => {
    expect(formatApplied(parsePrefer('respond-async, wait=30'))).toEqual({
      'preference-applied': 'respond-async, wait=25',
    });
    expect(formatApplied(parsePrefer('wait=3'))).toEqual({});
  });
});
