import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openCrashNote } from '../../../src/lambda/crash-note.ts';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'crash-note-'));
  path = join(directory, 'note');
});
afterEach(() => rm(directory, { recursive: true }));

describe('the note of a crash', () => {
  it('names the messages whose work did not end, to each later process', () => {
    openCrashNote(path).begin('a');
    openCrashNote(path).begin('b');

    const note = openCrashNote(path);

    expect(['a', 'b', 'c'].map(note.names)).toEqual([true, true, false]);
  });

  it('does not name a message whose work ended', () => {
    const note = openCrashNote(path);
    note.begin('a');
    note.end();

    expect(openCrashNote(path).names('a')).toBe(false);
  });

  it('names nothing when it cannot be read or written, and stops nobody', async () => {
    await writeFile(path, '');
    const note = openCrashNote(join(path, 'below-a-file'));
    note.begin('a');
    note.end();

    expect(note.names('a')).toBe(false);
  });
});
