import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { hashFile } from '../repository/versions/file-hash.ts';
import type { LocalFile } from '../repository/versions/publish.ts';
import type { SourceFile } from '../source/model-source.ts';

/** A file that becomes part of the version, and that may be made at push in pieces. */
export interface VersionFile extends Omit<SourceFile, 'content'> {
  readonly content?: SourceFile['content'] | readonly Uint8Array[];
}

/** The file `localPath` of this computer as the file `path` of a version. */
export const toLocalFile = async (path: string, localPath: string): Promise<LocalFile> => {
  const { size: bytes } = await stat(localPath);
  return { path, localPath, bytes, sha256: await hashFile(localPath) };
};

/** Finds `files` in `directory`, each once. Files that are made at push are written into `scratch`. */
export const gatherFiles = async (
  directory: string,
  files: readonly VersionFile[],
  scratch: string,
): Promise<LocalFile[]> => {
  const gathered = new Map<string, LocalFile>();
  for (const { path, content } of files) {
    const localPath = join(content === undefined ? directory : scratch, path);
    if (content !== undefined) {
      await mkdir(dirname(localPath), { recursive: true });
      await writeFile(localPath, content);
    }
    gathered.set(path, await toLocalFile(path, localPath));
  }
  return [...gathered.values()];
};

/** Finds the place on this computer of a file of the version. The place of any other file throws `MODEL_INVALID`. */
export const createLocalPathOf = (files: readonly LocalFile[]): ((path: string) => string) => {
  const localPaths = new Map(files.map(({ path, localPath }) => [path, localPath]));
  return (path) => {
    const localPath = localPaths.get(path);
    if (localPath !== undefined) return localPath;
    throw new ServingError('MODEL_INVALID', `${path} is not among the files of the version`);
  };
};
