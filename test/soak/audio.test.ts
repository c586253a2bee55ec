import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { NEVER } from '../../src/core/deadline.ts';
import { decodeAudio } from '../../src/media/audio/decode-audio.ts';

const RECORDINGS = Number(process.env.SOAK_RECORDINGS ?? 500);
/** What garbage may lie about. A decoder that stayed would take at least 0.2 MB. */
const MAX_GROWTH_BYTES = 60_000_000;

describe('decoders', () => {
  it.each(['mono.flac', 'mono.mp3', 'mono.ogg', 'mono.opus'])('leave no memory behind: %s', async (name) => {
    const bytes = await readFile(`test/fixtures/audio/${name}`);
    const decode = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i += 1) await decodeAudio(bytes, 16_000, NEVER);
      return process.memoryUsage.rss();
    };
    const before = await decode(RECORDINGS / 5);
    const after = await decode(RECORDINGS);
    process.stdout.write(`${name}  ${((after - before) / 1e6).toFixed(1)} MB\n`);
    expect(after - before).toBeLessThan(MAX_GROWTH_BYTES);
  });
});
