import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import type { Results } from '../measures.ts';
import type { Workbench } from '../workbench.ts';

const zippedBytes = async (directory: string): Promise<number> => {
  const archive: Zippable = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) archive[path.relative(directory, file)] = await readFile(file);
  }
  return zipSync(archive).byteLength;
};

/** What has to be sent to Lambda, and by Lambda to every new environment. */
export const measureSizes = async ({ directory, layerDirectories }: Workbench): Promise<Results> => ({
  figures: {
    'size.infer_zip_kb': (await zippedBytes(path.join(directory, 'infer'))) / 1e3,
    'size.layer_mb': (await zippedBytes(layerDirectories.onnxruntime)) / 1e6,
  },
  times: {},
});
