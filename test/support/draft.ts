import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Draft, LocalFile } from '../../src/repository/versions/publish.ts';

/** A model that can be published, and never run. */
export const draftOf = (name: string, file = 'onnx/model.onnx'): Draft => ({
  name,
  task: 'tensor',
  graphs: { model: { file, externalData: [], signature: { inputs: [], outputs: [] }, createMs: 1 } },
  settings: {},
  warmup: { dimensions: {}, inputs: [] },
  source: 'a test',
  created: '2026-01-01T00:00:00.000Z',
});

/** Writes a file into `directory` that becomes `path` of a version. */
export const localFile = async (directory: string, path: string, content: string | Buffer): Promise<LocalFile> => {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const localPath = join(directory, sha256);
  await writeFile(localPath, content);
  return { path, localPath, bytes: Buffer.byteLength(content), sha256 };
};
