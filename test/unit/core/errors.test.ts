import { readFile, stat } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { errorCode } from '../../../src/core/error-code.ts';
import { ERROR_KINDS, ServingError } from '../../../src/core/errors.ts';

describe('a serving error', () => {
  it('keeps the text for the operator out of its message', () => {
    const error = new ServingError('NOT_FOUND', 'no model x', { operator: 'push one' });

    expect([error.message, error.fullMessage]).toEqual(['no model x', 'no model x; push one']);
  });

  it('has one message for caller and operator when there is no more to say', () => {
    expect(new ServingError('NOT_FOUND', 'no route').fullMessage).toBe('no route');
  });
});

describe('the code of an error', () => {
  it('is the code of the file system', async () => {
    const error = await stat('/nowhere/at/all').catch((reason: unknown) => reason);

    expect(errorCode(error)).toBe('ENOENT');
  });

  it.each([[new Error('no code')], ['ENOENT'], [undefined], [{ code: 2 }]])('is undefined for %p', (value) => {
    expect(errorCode(value)).toBeUndefined();
  });
});

it('docs/architecture.md lists each code of an error', async () => {
  const rows = (await readFile('docs/architecture.md', 'utf8')).split('\n').filter((line) => line.startsWith('| '));
  const codes = rows.flatMap((row) => row.match(/\b[A-Z]+_?[A-Z_]+\b/g) ?? []);
  expect(Object.keys(ERROR_KINDS).filter((code) => !codes.includes(code))).toEqual([]);
});
