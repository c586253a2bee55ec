import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { bundleOptions } from '../../esbuild.config.ts';

/** A function as esbuild bundles it for a deployment. */
export interface BundledFunction {
  /** Its folder, with `handler.mjs`. Other test files read it, too. */
  readonly folder: string;
  readonly metafile: Metafile;
}

/** Of this run of jest, in which the sources stay as they are. */
const { RUN_FOLDER = '' } = process.env;
const METAFILE = 'metafile.json';

const readBundle = async (folder: string): Promise<BundledFunction> => ({
  folder,
  metafile: JSON.parse(await readFile(join(folder, METAFILE), 'utf8')),
});

const buildBundle = async (name: string): Promise<BundledFunction> => {
  const folder = join(RUN_FOLDER, name);
  const made = await readBundle(folder).catch(() => undefined);
  if (made) return made;
  const outdir = await mkdtemp(`${folder}-`);
  const entryPoints = [`functions/${name}/handler.ts`];
  const { metafile } = await build({ ...bundleOptions, entryPoints, outdir, metafile: true, logLevel: 'error' });
  await writeFile(join(outdir, METAFILE), JSON.stringify(metafile));
  // Another test file may have been first.
  await rename(outdir, folder).catch(() => rm(outdir, { recursive: true }));
  return readBundle(folder);
};

const bundles = new Map<string, Promise<BundledFunction>>();

/** The function `name`, bundled once for all test files of a run. */
export const bundleFunction = (name: string): Promise<BundledFunction> => {
  const bundle = bundles.get(name) ?? buildBundle(name);
  bundles.set(name, bundle);
  return bundle;
};
