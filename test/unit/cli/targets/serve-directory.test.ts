import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { serveDirectory } from '../../../../cli/targets/serve-directory.ts';
import { createDirectoryStore } from '../../../../src/repository/stores/directory-store.ts';
import { copyPushed } from '../../../support/pushed-store.ts';

const INPUT = { datatype: 'FP32', shape: [1, 1], data: [1] };
const REQUEST = Buffer.from(JSON.stringify({ inputs: ['a', 'b'].map((name) => ({ name, ...INPUT })) }));

it('names TMPDIR, and no setting of a function, where the disk has no room for a model', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'serve-directory-'));
  await copyPushed(directory, 'test/fixtures/models/add.onnx');
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const serving = serveDirectory({
    ...createDirectoryStore(directory),
    // biome-ignore lint/correctness/useYield: fails before the first chunk, as a write to a full disk does
    readBlocks: async function* () {
      throw full;
    },
  });
  try {
    await expect(
      serving.send('/v2/models/add/infer', { method: 'POST', headers: {}, body: REQUEST }),
    ).rejects.toMatchObject({
      code: 'INSUFFICIENT_STORAGE',
      fullMessage: expect.stringMatching(
        /^the disk has no room .*; free some in .*, or name another folder with TMPDIR$/,
      ),
    });
  } finally {
    await serving.close();
    await rm(directory, { recursive: true });
  }
});
