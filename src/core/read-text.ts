import { readFile, stat } from 'node:fs/promises';

/** The text of a file; undefined when there is none that can be read. A pipe or a device is none: reading it may never end. */
export const readText = async (path: string): Promise<string | undefined> => {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? readFile(path, 'utf8').catch(() => undefined) : undefined;
};
