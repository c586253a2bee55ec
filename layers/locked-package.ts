import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const projectRoot = path.dirname(import.meta.dirname);

/** A package as package-lock.json pins it; `location` is its directory, relative to the project. */
export interface LockedPackage {
  readonly name: string;
  readonly location: string;
  readonly version: string;
  readonly integrity: string;
}

type Lockfile = { readonly packages: Record<string, { readonly version: string; readonly integrity: string }> };

/**
 * Finds `name` in package-lock.json the way `parent` would resolve it.
 * @throws Error when the package is not locked.
 */
export const findLockedPackage = async (name: string, parent: string): Promise<LockedPackage> => {
  const lockfile: Lockfile = JSON.parse(await readFile(path.join(projectRoot, 'package-lock.json'), 'utf8'));
  for (const location of [`node_modules/${parent}/node_modules/${name}`, `node_modules/${name}`]) {
    const locked = lockfile.packages[location];
    if (locked) return { name, location, version: locked.version, integrity: locked.integrity };
  }
  throw new Error(
    `package-lock.json has no ${name}, which a layer needs. Restore it, or correct layers/*/packages.ts.`,
  );
};

/**
 * Calls `use` with a directory that holds the package: the installed one, or, since npm installs binaries only for the machine it
 * runs on, one fetched from the registry.
 * @throws Error when the fetched archive is not the one that package-lock.json pins.
 */
export const withPackage = async (locked: LockedPackage, use: (directory: string) => Promise<void>): Promise<void> => {
  const installed = path.join(projectRoot, locked.location);
  if ((await readInstalledVersion(installed)) === locked.version) return use(installed);

  const scratch = await mkdtemp(path.join(tmpdir(), 'layer-package-'));
  try {
    const archive = await fetchArchive(locked, scratch);
    assertIntegrity(await readFile(archive), locked);
    await run('tar', ['-xzf', archive], { cwd: scratch });
    await use(path.join(scratch, 'package'));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

const readInstalledVersion = async (directory: string): Promise<string | undefined> => {
  const manifest = await readFile(path.join(directory, 'package.json'), 'utf8').catch(() => undefined);
  if (manifest === undefined) return undefined;
  const { version }: Pick<LockedPackage, 'version'> = JSON.parse(manifest);
  return version;
};

/** Path of the archive in `directory`. */
const fetchArchive = async ({ name, version }: LockedPackage, directory: string): Promise<string> => {
  try {
    await run('npm', ['pack', `${name}@${version}`, '--pack-destination', directory], { cwd: projectRoot });
  } catch (error) {
    const problem = `npm could not fetch ${name}@${version}, a binary that npm ci does not install on this machine`;
    throw new Error(`${problem}. Building this layer needs the registry once.`, { cause: error });
  }
  const [archive] = await readdir(directory);
  if (!archive) throw new Error(`npm pack ${name}@${version} wrote no archive.`);
  return path.join(directory, archive);
};

const assertIntegrity = (archive: Buffer, { name, version, integrity }: LockedPackage): void => {
  const received = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  if (received === integrity) return;
  throw new Error(
    `The registry's ${name}@${version} has integrity ${received}, package-lock.json expects ${integrity}.`,
  );
};
