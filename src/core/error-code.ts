/** The code of an error of Node or of the file system, such as `ENOENT`; undefined for any other value. */
export const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** Codes of the file system for a disk without room. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Tells whether a write failed since the disk has no room. */
export const isDiskFull = (error: unknown): boolean => NO_ROOM.has(errorCode(error) ?? '');
