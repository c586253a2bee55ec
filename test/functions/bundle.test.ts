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

const LIBRARY = 'src/generation/grammar/library.ts';

describe('bundles', () => {
  it('hold every function of the folder functions without a file that only push needs', async () => {
    const names = await readdir('functions');
    const inputs = (await Promise.all(names.map(metafileOf))).flatMap((metafile) => Object.keys(metafile.inputs));
    expect(inputs.filter((path) => AUTHORING.test(path))).toEqual([]);
    expect(inputs).toContain('src/tasks/image-classification/task.ts');
  });

  it('hold nothing of the library of grammars, which a layer has and which no start looks for', async () => {
    for (const name of ['infer', 'stream']) {
      const metafile = await metafileOf(name);
      expect(Object.keys(metafile.inputs).filter((path) => path.includes('web-xgrammar'))).toEqual([]);
      const owners = Object.entries(metafile.outputs).filter(([, { inputs }]) => LIBRARY in inputs);
      expect(owners).toHaveLength(1);
      expect(owners.filter(([path]) => readAtStart(metafile).includes(path))).toEqual([]);
    }
  });
});
