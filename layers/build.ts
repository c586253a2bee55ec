import { cp, glob, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import { type Architecture, CPUS, type LayerPackages } from './layer-packages.ts';
import { findLockedPackage, withPackage } from './locked-package.ts';
import { packages as onnxruntime } from './onnxruntime/packages.ts';
import { packages as sharp } from './sharp/packages.ts';

export const layerNames = ['onnxruntime', 'sharp'] as const;
export type LayerName = (typeof layerNames)[number];

const LAYERS: Readonly<Record<LayerName, LayerPackages>> = { onnxruntime, sharp };

/**
 * Makes sure that `layers/<name>/build/<architecture>` holds the layer for the versions in package-lock.json and returns that
 * directory. A directory that is up to date stays, so that every run but the first takes milliseconds.
 * @throws Error when a package is not locked, or the registry's copy is not the locked one.
 */
export const ensureLayer = async (name: LayerName, architecture: Architecture): Promise<string> => {
  const packages = LAYERS[name](CPUS[architecture]);
  const parent = packages[0]?.name ?? name;
  const contents = await Promise.all(
    packages.map(async ({ name, ...rest }) => ({ locked: await findLockedPackage(name, parent), ...rest })),
  );

  // The manifest travels in the layer, as /opt/<name>.json: it says what is inside, and whether that is what it should be.
  const manifest = JSON.stringify(contents, null, 2);
  const directory = path.join(import.meta.dirname, name, 'build', architecture);
  const isCurrent = async () =>
    (await readFile(path.join(directory, `${name}.json`), 'utf8').catch(() => undefined)) === manifest;
  if (await isCurrent()) return directory;

  await mkdir(path.dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.part-`);
  const modules = path.join(partial, 'nodejs', 'node_modules');
  try {
    for (const { locked, files } of contents)
      await withPackage(locked, (source) => copyMatching(source, files, path.join(modules, locked.name)));
    for (const { locked, bundled } of contents) if (bundled) await bundleMain(modules, locked.name);
    await writeFile(path.join(partial, `${name}.json`), manifest);
    await rm(directory, { recursive: true, force: true });
    await rename(partial, directory);
  } catch (error) {
    if (!(await isCurrent())) throw error; // losing a race to an equal directory is success
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return directory;
};

const copyMatching = async (source: string, patterns: readonly string[], destination: string): Promise<void> => {
  for (const pattern of patterns) {
    let copied = 0;
    for await (const match of glob(pattern, { cwd: source })) {
      await cp(path.join(source, match), path.join(destination, match));
      copied += 1;
    }
    if (copied === 0)
      throw new Error(`${source} has no ${pattern}: the package has changed, correct layers/*/packages.ts.`);
  }
};

/** Paths that are put together at run time: esbuild would look for every file that they may mean. */
const computedPaths: Plugin = {
  name: 'computed-paths',
  setup({ onLoad }) {
    onLoad({ filter: /\.c?js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('require(`', 'require.call(null, `'),
    }));
  },
};

/** Makes one file of the scripts that `require(name)` reads, 67 of sharp: finding and reading each takes a fifth of a millisecond of every cold start. */
const bundleMain = async (modules: string, name: string): Promise<void> => {
  const main = createRequire(path.join(modules, 'index.js')).resolve(name);
  const { metafile } = await build({
    absWorkingDir: modules,
    entryPoints: [main],
    outfile: main,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    external: ['@img/sharp-*'], // binaries
    plugins: [computedPaths],
    metafile: true,
    logLevel: 'error',
  });
  const scripts = Object.keys(metafile.inputs).filter((input) => !input.endsWith('.json'));
  for (const script of scripts) if (path.join(modules, script) !== main) await rm(path.join(modules, script));
};
