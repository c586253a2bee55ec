/**
 * Collects recent garbage, in some milliseconds. The creation of a session runs no JavaScript, and so collects nothing. Without this call,
 * the process would still hold the chunks of a large download, up to 40 MB, when it is at its largest.
 */
export const collectGarbage = async (): Promise<void> => {
  // Both modules are loaded when they are needed: a small model does not wait for them.
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  const collect: (options: { type: 'minor'; execution: 'sync' }) => void = runInNewContext('gc');
  collect({ type: 'minor', execution: 'sync' });
};
