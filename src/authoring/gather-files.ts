import { constants, copyFile, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { toPieces } from '../onnx/chunks.ts';
import { hashFile } from '../repository/versions/file-hash.ts';
import type { LocalFile } from '../repository/versions/publish.ts';
import { resolveLinks } from '../source/linked-files.ts';
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

/** Writes a file that is made at push into `scratch`. */
const writeMade = async (path: string, content: NonNullable<VersionFile['content']>, scratch: string) => {
  const place = join(scratch, path);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, Array.isArray(content) ? toPieces(content) : content);
  return place;
};

/** Copies each file to its path below `scratch`. File systems that can share the blocks of two files do so. */
const copyBelow = async (scratch: string, places: ReadonlyMap<string, string>): Promise<Map<string, string>> => {
  const copies = new Map<string, string>();
  for (const [path, place] of places) {
    const copy = join(scratch, 'behind-links', path);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(place, copy, constants.COPYFILE_FICLONE);
    copies.set(path, copy);
  }
  return copies;
};

/**
 * The places of files of the folder. If any of them is a link, all are copied into `scratch`: onnxruntime looks for weights beside the
 * graph, and refuses weights behind links, symbolic or hard.
 */
const placesOf = async (directory: string, paths: readonly string[], scratch: string) => {
  const root = await realpath(directory);
  const places = new Map<string, string>();
  for (const path of paths) places.set(path, await resolveLinks(directory, path));
  const hasLinks = [...places].some(([path, place]) => place !== join(root, path));
  return hasLinks ? copyBelow(scratch, places) : places;
};

/** Finds `files` in `directory`, each once. Files that are made at push are written into `scratch`. */
export const gatherFiles = async (
  directory: string,
  files: readonly VersionFile[],
  scratch: string,
): Promise<LocalFile[]> => {
  const found = files.flatMap(({ path, content }) => (content === undefined ? [path] : []));
  const places = await placesOf(directory, found, scratch);
  for (const { path, content } of files)
    if (content !== undefined) places.set(path, await writeMade(path, content, scratch));
  const gathered: LocalFile[] = [];
  for (const path of new Set(files.map((file) => file.path)))
    gathered.push(await toLocalFile(path, places.get(path) ?? join(directory, path)));
  return gathered;
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
