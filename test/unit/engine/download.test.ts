import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { download, type ReadRange } from '../../../src/engine/download.ts';

const MIB = 1024 * 1024;
const SIZE = 70 * MIB;
/** A file of `SIZE` that takes no memory: a block over and over, whose length divides no part's. Twice, so that a chunk is one slice of it. */
const PERIOD = 1_500_007;
const block = randomBytes(PERIOD);
const twice = Buffer.concat([block, block]);
const slice = (start: number, end: number): Uint8Array =>
  twice.subarray(start % PERIOD, (start % PERIOD) + end - start);

let directory: string;
let file: FileHandle;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'download-'));
  file = await open(join(directory, 'file'), 'wx+');
});
afterEach(async () => {
  await file.close();
  await rm(directory, { recursive: true });
});

const sha256Of = (sizeBytes: number): string => {
  const hash = createHash('sha256');
  for (let from = 0; from < sizeBytes; from += MIB) hash.update(slice(from, Math.min(from + MIB, sizeBytes)));
  return hash.digest('hex');
};
const sha256OnDisk = async (): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(directory, 'file'))) hash.update(chunk);
  return hash.digest('hex');
};

/** Hands out the file in chunks of `chunkBytes`; each range waits before its first chunk for so many turns of the event loop. */
const inChunks = (chunkBytes: number, turns: (start: number) => number = () => 0): ReadRange =>
  async function* (start, end) {
    for (let turn = 0; turn < turns(start); turn += 1) await setImmediate();
    for (let from = start; from < end; from += chunkBytes) yield slice(from, Math.min(from + chunkBytes, end));
  };

describe('a download', () => {
  it.each([0, 1, MIB, 4 * MIB, 4 * MIB + 1, 16 * MIB, 63 * MIB + 5, 64 * MIB, 70 * MIB])(
    'of %i bytes gives the file and its sha256',
    async (bytes) => {
      const digest = await download(inChunks(64 * 1024), bytes, file);

      expect(digest).toBe(sha256Of(bytes));
      expect(await sha256OnDisk()).toBe(digest);
    },
  );

  it.each<[string, (start: number) => number]>([
    ['the first comes last', (start) => (start === 0 ? 400 : 0)],
    ['the last comes first', (start) => Math.round((70 * MIB - start) / MIB)],
    ['they come in no order', (start) => (start / 7) % 50],
  ])('of parts of which %s is hashed in order', async (_order, turns) => {
    const digest = await download(inChunks(333_333, turns), SIZE, file);

    expect(digest).toBe(sha256Of(SIZE));
    expect(await sha256OnDisk()).toBe(digest);
  });

  it('lets other work go on while it hashes what came before its turn', async () => {
    const waited = 400;
    let [turns, isOver] = [0, false];
    const digest = download(
      inChunks(MIB, (start) => (start === 0 ? waited : 0)),
      SIZE,
      file,
    ).finally(() => {
      isOver = true;
    });
    for (; !isOver; turns += 1) await setImmediate();

    expect(await digest).toBe(sha256Of(SIZE));
    expect(turns - waited).toBeGreaterThan(50); // 54 MiB came before their turn
  });

  it.each([
    ['too short', -1, 'S3 sent 4194303 of the 4194304 bytes that were asked for'],
    ['too long', 1, 'S3 sent more than the 4194304 bytes that were asked for'],
  ])('is refused when a part is %s', async (_how, more, message) => {
    const read: ReadRange = (start, end) => inChunks(100_000)(start, start === 4 * MIB ? end + more : end);

    await expect(download(read, 10 * MIB, file)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE', message });
  });

  it('that fails in one part asks for no more, and ends when the parts under way have ended', async () => {
    const asked: number[] = [];
    let underWay = 0;
    const read: ReadRange = async function* (start, end) {
      asked.push(start);
      underWay += 1;
      try {
        if (start === 16 * MIB) throw new Error('cut off');
        yield* inChunks(MIB, () => 20)(start, end);
      } finally {
        underWay -= 1;
      }
    };

    await expect(download(read, SIZE, file)).rejects.toThrow('cut off');

    expect(asked).toEqual([0, 16, 32, 48].map((mib) => mib * MIB));
    expect(underWay).toBe(0);
  });

  it('throws what the file system says, and does not wait for what will not come', async () => {
    const readOnly = await open(join(directory, 'file'), 'r');
    try {
      await expect(download(inChunks(64 * 1024), SIZE, readOnly)).rejects.toMatchObject({
        code: 'EBADF',
      });
    } finally {
      await readOnly.close();
    }
  });
});
