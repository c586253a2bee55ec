/** npm's name of each of Lambda's architectures. */
export const CPUS = { x86_64: 'x64', arm64: 'arm64' } as const;

export type Architecture = keyof typeof CPUS;

/** The packages of a layer for one CPU. The first is what functions require; `files` are globs inside each package. */
export type LayerPackages = (cpu: (typeof CPUS)[Architecture]) => readonly LayerPackage[];
export interface LayerPackage {
  readonly name: string;
  readonly files: readonly string[];
  /** Whether its main module becomes one file with all the JavaScript that it requires, also from the other packages. */
  readonly bundled?: true;
}
