/**
 * Frees what has become garbage lately, in some milliseconds. Creating a session runs no JavaScript, and so nothing is collected while it
 * lasts: the chunks of a large download, up to 40 MB, would be there still when the process is at its largest.
 */
export const collectGarbage = async (): Promise<void> => {
  // Both are loaded when they are needed: a small model does not wait for them.
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor'; execution: 'sync' }) => void;
  collect({ type: 'minor', execution: 'sync' });
};
