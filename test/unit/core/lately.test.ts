import { afterEach, expect, jest, test } from '@jest/globals';
import { lately } from '../../../src/core/lately.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a measurement is repeated once it is 100 ms old', () => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
  let count = 0;
  const read = lately(() => {
    count += 1;
    return count;
  });
  expect([read(), read()]).toEqual([1, 1]);
  now.mockReturnValue(1_099);
  expect(read()).toBe(1);
  now.mockReturnValue(1_100);
  expect(read()).toBe(2);
});
