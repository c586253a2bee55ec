import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';

const projectRoot = path.resolve(import.meta.dirname, '../..');
/** Everything that a deployment is made of. */
const PARTS = ['serverless.yml', 'esbuild.config.ts', 'package.json', 'package-lock.json', 'tsconfig.json'];
const FOLDERS = ['extensions', 'functions', 'layers', 'local', 'src'];

const isSource = (file: string): boolean => !file.split(path.sep).includes('build');

/** Copies the sources of a deployment into `directory`, which must not exist yet, with the packages of this project. */
export const copyProject = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true });
  for (const part of [...PARTS, ...FOLDERS])
    await cp(path.join(projectRoot, part), path.join(directory, part), {
      recursive: true,
      filter: (source) => isSource(path.relative(projectRoot, source)),
    });
  await symlink(path.join(projectRoot, 'node_modules'), path.join(directory, 'node_modules'));
};
