import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openLoadJournal } from '../../../src/engine/load-journal.ts';
import { parseBundle } from '../../../src/repository/versions/bundle.ts';

/** A process number that no process has. */
const DEAD = 2 ** 30;

const bundle = parseBundle(
  Buffer.from(
    JSON.stringify({
      ...{ formatVersion: 1, name: 'm', version: 3, task: 'tensor', settings: {}, source: 'a test' },
      ...{ created: new Date(0).toISOString(), warmup: { dimensions: {}, inputs: [] } },
      files: [{ path: 'm.onnx', bytes: 1, sha256: '0'.repeat(64) }],
      graphs: { model: { file: 'm.onnx', externalData: [], createMs: 1, signature: { inputs: [], outputs: [] } } },
    }),
  ),
  'a test',
);

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterEach(() => rm(root, { recursive: true }));

/** The notes that lie on disk at the moment when the process would end. */
const notesDuring = async (stage: 'load' | 'trial'): Promise<string[]> => {
  const journal = await openLoadJournal(root);
  let notes: string[] = [];
  const look = async (at: string): Promise<void> => {
    if (at === stage) notes = await readdir(root);
  };
  await journal.record(
    bundle,
    async () => look('trial').then(() => true),
    async (trial) => {
      await look('load');
      await trial({});
    },
  );
  return notes;
};
/** Leaves what a process leaves that ends in `stage`. */
const endIn = async (stage: 'load' | 'trial'): Promise<void> => {
  for (const note of await notesDuring(stage))
    await writeFile(join(root, note.replace(String(process.pid), String(DEAD))), '');
};
/** Loads the version in a new process. Returns whether its trial was run. */
const loadAgain = async (): Promise<boolean> => {
  const journal = await openLoadJournal(root);
  return journal.record(
    bundle,
    async () => true,
    (trial) => trial({}),
  );
};

describe('a version whose load ended a process', () => {
  it('is refused by the next processes, with the reason', async () => {
    await endIn('load');

    for (const _process of [1, 2])
      await expect(loadAgain()).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: 'model m version 3 ended the process that loaded it',
        operator: expect.stringContaining('memory'),
      });
  });

  it('is tried again after ten minutes', async () => {
    await endIn('load');
    await expect(loadAgain()).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const longAgo = new Date(Date.now() - 11 * 60_000);
    for (const note of await readdir(root)) await utimes(join(root, note), longAgo, longAgo);

    expect(await loadAgain()).toBe(true);
    expect(await readdir(root)).toEqual([]);
  });

  it('is loaded without the input of a caller when it ended in the first run on one', async () => {
    await endIn('trial');

    expect(await loadAgain()).toBe(false);
  });
});

describe('a load that ends', () => {
  it('leaves no note', async () => {
    expect(await loadAgain()).toBe(true);

    expect(await readdir(root)).toEqual([]);
  });

  it('leaves no note when it fails', async () => {
    const journal = await openLoadJournal(root);
    const failing = journal.record(
      bundle,
      async () => true,
      async () => {
        throw new Error('failed');
      },
    );

    await expect(failing).rejects.toThrow('failed');
    expect(await readdir(root)).toEqual([]);
  });

  it('of another process that runs refuses nothing', async () => {
    await writeFile(join(root, `${bundle.digest}.${process.ppid}.loading`), '');

    expect(await loadAgain()).toBe(true);
  });
});
