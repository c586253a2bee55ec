import { readFile, writeFile } from 'node:fs/promises';
import { unzipSync, type Zippable, zipSync } from 'fflate';

/** Readable by every user: Lambda's is none of those that package. */
const MODE = 0o100644;
/** The system that wrote the archive, whose modes Lambda obeys (APPNOTE.TXT 4.4.2). */
const UNIX = 3;
/** The first time that a zip archive can hold. It has no time zone: the local one reads the same everywhere. */
const FIRST_TIME = new Date(1980, 0, 1);

/**
 * Writes a zip archive again: files in the order of their names, with fixed modes and times. The bytes depend on the contents alone,
 * and neither on the umask, nor on the time zone, nor on the order in which the file system lists a folder.
 */
export const rewriteZip = async (path: string): Promise<void> => {
  const files = unzipSync(await readFile(path));
  const zippable: Zippable = {};
  for (const name of Object.keys(files).sort())
    zippable[name] = [files[name] ?? new Uint8Array(), { level: 9, mtime: FIRST_TIME, os: UNIX, attrs: MODE << 16 }];
  await writeFile(path, zipSync(zippable));
};
