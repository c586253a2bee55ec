import { describe, expect, it } from '@jest/globals';
import { assertModelName, parseVersion } from '../../../src/repository/keys.ts';

describe('model names', () => {
  it.each(['a', 'efficientnet-lite0', 'Model_1.0', '0', 'x'.repeat(100)])('allow %s', (name) => {
    expect(() => assertModelName(name)).not.toThrow();
  });

  it.each(['', '.', '..', '.a', '-a', '_a', 'a/b', 'a b', 'ü', 'a\n', 'a?', 'x'.repeat(101)])('refuse %j', (name) => {
    expect(() => assertModelName(name)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});

describe('versions', () => {
  it('are positive integers', () => {
    expect(parseVersion('1')).toBe(1);
    expect(parseVersion('120')).toBe(120);
  });

  it.each(['0', '-1', '01', '1.0', '1e3', '', ' 1', 'latest', '9'.repeat(30)])('are not %j', (text) => {
    expect(() => parseVersion(text)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
