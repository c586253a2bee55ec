/** npm's name of each of Lambda's architectures. */
export const CPUS = { x86_64: 'x64', arm64: 'arm64' } as const;

export type Architecture = keyof typeof CPUS;

/** The packages of a layer for one CPU. The first is what functions require; `files` are globs inside each package. */
export type LayerPackages = (cpu: (typeof CPUS)[Architecture]) => readonly LayerPackage[];
export interface LayerPackage {
  readonly name: string;
  readonly files: readonly string[];
  /** Makes one file of its main module and all the JavaScript that this requires, from the other packages too. */
  readonly bundled?: true;
}
