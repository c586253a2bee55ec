import { readdir } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { bundleOptions } from '../../esbuild.config.ts';

const AUTHORING =
  /^(src\/(authoring|evaluation|formats|source|onnx|optimise|advise)\/|src\/tasks\/.*recipe\.ts$|cli\/|local\/|layers\/|test\/)/;

const inputsOf = async (name: string): Promise<string[]> => {
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: [`functions/${name}/handler.ts`],
    outdir: 'unused',
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  return Object.keys(metafile.inputs);
};

describe('bundles', () => {
  it('hold every function of the folder functions without a file that only push needs', async () => {
    const names = await readdir('functions');
    const inputs = (await Promise.all(names.map(inputsOf))).flat();
    expect(inputs.filter((path) => AUTHORING.test(path))).toEqual([]);
    expect(inputs).toContain('src/tasks/image-classification/task.ts');
  });
});
