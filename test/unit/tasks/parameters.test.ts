import { expect, it } from '@jest/globals';
import { readInteger } from '../../../src/tasks/parameters.ts';

it('an integer that is null counts as left out', () => {
  expect(readInteger({ max_new_tokens: null }, 'max_new_tokens', 1, 60)).toBeUndefined();
  expect(() => readInteger({ max_new_tokens: '1' }, 'max_new_tokens', 1, 60)).toThrow(
    'expected an integer from 1 to 60',
  );
});
