import { expect, it } from '@jest/globals';
import { jsonStringBytes } from '../../../src/lambda/json-string-size.ts';

it.each([
  '',
  'plain',
  '{"a":"b\\"c"}',
  'Äpfel 日本 😀',
  'line\nbreak\t\u0001',
  '\ud800 half',
  '\\\\""',
  '\u2028\u007f',
])('the size of %j is that of its JSON string', (text) => {
  expect(jsonStringBytes(text)).toBe(Buffer.byteLength(JSON.stringify(text)));
});
