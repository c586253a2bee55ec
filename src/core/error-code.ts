/** The code of an error of Node or of the file system, such as `ENOENT`; undefined for any other value. */
export const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
