import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { collectGarbage } from '../../../src/engine/collect-garbage.ts';

const MIB = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Chunks as a download leaves them behind. */
const leaveChunks = (bytes: number): void => {
  for (let made = 0; made < bytes; made += CHUNK_BYTES) Buffer.allocUnsafeSlow(CHUNK_BYTES);
};

/** Bytes that are left of `heldBytes`: another thread of V8's frees, which gets its turn late on a busy machine. */
const leftAfterwards = async (beforeBytes: number, heldBytes: number): Promise<number> => {
  const left = () => process.memoryUsage().arrayBuffers - beforeBytes;
  for (let attempt = 0; attempt < 1_000 && left() > heldBytes / 3; attempt += 1) await setTimeout(10);
  return left();
};

const DOWNLOADS = 8;

describe('collecting garbage', () => {
  it('frees the chunks of most downloads soon, of which V8 alone would free few', async () => {
    let freed = 0;
    for (let download = 0; download < DOWNLOADS; download += 1) {
      const beforeBytes = process.memoryUsage().arrayBuffers;
      leaveChunks(12 * MIB);
      const heldBytes = process.memoryUsage().arrayBuffers - beforeBytes;

      await collectGarbage();

      if ((await leftAfterwards(beforeBytes, heldBytes)) < heldBytes / 3) freed += 1;
    }

    expect(freed).toBeGreaterThan(DOWNLOADS / 2);
  });
});
