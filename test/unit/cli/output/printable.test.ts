import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from '@jest/globals';
import { printable } from '../../../../cli/output/printable.ts';
import { createTerminal } from '../../../../cli/output/terminal.ts';

it.each([
  ['a name that clears the screen', 'x\u001b[2J', 'x\\u001b[2J'],
  ['a name that sets the title', '\u001b]0;root\u0007', '\\u001b]0;root\\u0007'],
  ['a return that writes over the line', 'rm\rls', 'rm\\u000dls'],
  ['controls of eight bits', '\u009b31m\u007f\0', '\\u009b31m\\u007f\\u0000'],
  ['tables, and ends of lines of any kind', 'a\tb\nc\r\nd', 'a\tb\nc\r\nd'],
  ['letters of all alphabets', 'ä漢😀\u202eشكرا', 'ä漢😀\u202eشكرا'],
])('%s is shown, and not obeyed', (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
});

it('A note names a file as it is', async () => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  createTerminal({ stdin, stdout, stderr }).note('found \u001b[1A');
  stderr.end();
  expect(String(await buffer(stderr))).toBe('found \\u001b[1A\n');
});
