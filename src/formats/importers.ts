import type { Importer } from './imported-model.ts';

/** A format that push converts. */
export interface ImportedKind {
  /** With its article, for people. */
  readonly label: string;
  /** The code is loaded when the first file of the format comes. */
  load(): Promise<Importer>;
}

/** Formats by name. */
export type ImportedFormat = 'pickle' | 'skops' | 'keras' | 'hdf5' | 'xgboost' | 'lightgbm';

export const IMPORTERS: Readonly<Partial<Record<ImportedFormat, ImportedKind>>> = {};

const NAMES: readonly string[] = ['pickle', 'skops', 'keras', 'hdf5', 'xgboost', 'lightgbm'];

export const isImported = (format: string | undefined): format is ImportedFormat =>
  format !== undefined && NAMES.includes(format);
