import { expect, it } from '@jest/globals';
import { accepts } from '../../../src/core/accepts.ts';

it.each([
  ['gzip', true],
  ['br;q=1.0, GZIP;q=0.8, *;q=0.1', true],
  ['gzip;q=0.001', true],
  [' gzip ; q=1', true],
  ['gzip;q=0', false],
  ['gzip; Q=0.000', false],
  ['br, gzip;q=0', false],
  ['*', false],
  ['x-gzip-2', false],
  ['gzip-like', false],
  ['', false],
  [undefined, false],
])('a client with %j takes gzip: %j', (header, expected) => {
  expect(accepts(header, 'gzip')).toBe(expected);
});
