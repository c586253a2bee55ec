import { readdir } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { build, type Metafile } from 'esbuild';
import { bundleOptions } from '../../esbuild.config.ts';

const AUTHORING =
  /^(src\/(authoring|evaluation|formats|source|onnx|optimise|advise)\/|src\/tasks\/.*recipe\.ts$|cli\/|local\/|layers\/|test\/)/;

const metafileOf = async (name: string): Promise<Metafile> => {
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: [`functions/${name}/handler.ts`],
    outdir: 'unused',
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  return metafile;
};

/** The output files that a process reads before it is asked anything. */
const readAtStart = ({ outputs }: Metafile): string[] => {
  const read = new Set(Object.keys(outputs).filter((path) => outputs[path]?.entryPoint?.endsWith('handler.ts')));
  for (const path of read)
    for (const { path: imported, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && outputs[imported]) read.add(imported);
  return [...read];
};

describe('bundles', () => {
  it('hold every function of the folder functions without a file that only push needs', async () => {
    const names = await readdir('functions');
    const inputs = (await Promise.all(names.map(metafileOf))).flatMap((metafile) => Object.keys(metafile.inputs));
    expect(inputs.filter((path) => AUTHORING.test(path))).toEqual([]);
    expect(inputs).toContain('src/tasks/image-classification/task.ts');
  });

  it.each(['infer', 'stream'])('hold the library of grammars in a file that only a grammar needs: %s', async (name) => {
    const metafile = await metafileOf(name);
    const owners = Object.entries(metafile.outputs).filter(
      ([, { inputs }]) => 'src/generation/grammar/library-source.ts' in inputs,
    );
    expect(owners.map(([, { bytes }]) => [bytes > 1e6, bytes < 1.3e6])).toEqual([[true, true]]);
    const atStart = readAtStart(metafile);
    expect(atStart.length).toBeGreaterThan(1);
    expect(owners.filter(([path]) => atStart.includes(path))).toEqual([]);
  });

  it('leave the library of grammars out of functions that generate no text', async () => {
    for (const name of ['docs', 'webhook']) {
      const { inputs } = await metafileOf(name);
      expect(Object.keys(inputs)).not.toContain('src/generation/grammar/library-source.ts');
    }
  });
});
