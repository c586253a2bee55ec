import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { toWriteFailure, writeNamedFile } from '../../../src/core/write-failure.ts';

it('names the file that cannot be written, and where to look', async () => {
  const path = join(tmpdir(), 'no such folder', 'page.html');
  await expect(writeNamedFile(path, 'text')).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: `${path} cannot be written (ENOENT); look at the room and the permissions of its folder`,
  });
});

it('leaves errors alone that the file system did not make', () => {
  for (const error of [new ServingError('NOT_FOUND', 'no model'), new TypeError('wrong')])
    expect(toWriteFailure('page.html', error)).toBe(error);
});
