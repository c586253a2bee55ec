import type { Importer } from './imported-model.ts';

/** A format that push converts. */
export interface ImportedKind {
  /** With its article, for people. */
  readonly label: string;
  /** The code is loaded when the first file of the format comes. */
  load(): Promise<Importer>;
}

const loadPickle = async (): Promise<Importer> => {
  const { readPickle } = await import('./pickle/read-pickle.ts');
  const { importPythonModel } = await import('./python-model.ts');
  return async (bytes) => importPythonModel(readPickle(bytes));
};

const loadSkops = async (): Promise<Importer> => {
  const { readSkops } = await import('./skops/read-skops.ts');
  const { importPythonModel } = await import('./python-model.ts');
  return async (bytes) => importPythonModel(readSkops(bytes));
};

const loadKeras = async (): Promise<Importer> => (await import('./keras/import-keras.ts')).importKeras;

/** Formats by name. `detect.ts` recognises them. */
export const IMPORTERS = {
  pickle: { label: 'a pickle', load: loadPickle },
  skops: { label: 'a skops file', load: loadSkops },
  keras: { label: 'a model of Keras', load: loadKeras },
  hdf5: { label: 'an HDF5 file', load: loadKeras },
  xgboost: {
    label: 'a model of XGBoost',
    load: async () => (await import('./xgboost/import-xgboost.ts')).importXgboost,
  },
  lightgbm: {
    label: 'a model of LightGBM',
    load: async () => (await import('./lightgbm/import-lightgbm.ts')).importLightgbm,
  },
} as const satisfies Readonly<Record<string, ImportedKind>>;

export type ImportedFormat = keyof typeof IMPORTERS;

export const isImported = (format: string | undefined): format is ImportedFormat =>
  format !== undefined && Object.hasOwn(IMPORTERS, format);
