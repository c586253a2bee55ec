/** A file that somebody made to do harm. */
export interface HostileFile {
  readonly name: string;
  readonly format: 'pickle' | 'skops';
  readonly make: () => Uint8Array;
}

export const pickles = (files: Readonly<Record<string, () => Uint8Array>>): readonly HostileFile[] =>
  Object.entries(files).map(([name, make]) => ({ name, format: 'pickle', make }));
