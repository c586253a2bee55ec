import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { beginAttempt } from '../../../src/jobs/bulk/chunk-attempt.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { ObjectStore } from '../../../src/repository/stores/object-store.ts';
import { bulkRun } from '../../support/bulk.ts';

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'chunk-attempt-'));
  store = createDirectoryStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const ELEMENT = 3;

/** Begins an attempt of a child, and runs the element alone. Returns whether it was given up before. */
const runAlone = async (child: string): Promise<boolean> => {
  const attempt = await beginAttempt(store, bulkRun(), { name: 'run', chunk: 0, child });
  if ('isKnown' in attempt) throw new ServingError('INTERNAL', 'the chunk is done');
  await attempt.note(ELEMENT);
  return attempt.isHopeless(ELEMENT);
};

describe('an element that runs alone', () => {
  it('is given up when two attempts of one child have ended with it', async () => {
    expect(await runAlone('a')).toBe(false);
    expect(await runAlone('a')).toBe(false);
    expect(await runAlone('a')).toBe(true);
  });

  it('is not given up while other children of its chunk run it, too', async () => {
    for (const child of ['a', 'b', 'c', 'd']) expect(await runAlone(child)).toBe(false);
  });

  it('is given up by each of two children whose attempts alternate', async () => {
    for (const child of ['a', 'b', 'a', 'b']) expect(await runAlone(child)).toBe(false);
    for (const child of ['a', 'b']) expect(await runAlone(child)).toBe(true);
  });

  it('stays given up for each child of a further execution', async () => {
    for (let attempt = 1; attempt <= 3; attempt += 1) await runAlone('a');
    for (const child of ['b', 'c']) expect(await runAlone(child)).toBe(true);
  });
});
