import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { refuse } from '../refuse.ts';
import { readZip } from '../zip.ts';
import { HDF5_MAGIC, type Hdf5File, readHdf5 } from './hdf5.ts';
import { type LayerConfig, toLayerConfig } from './layer.ts';
import { type Weights, weightsOfH5, weightsOfKeras } from './weights.ts';

/** A model as its file has it. */
export interface SavedModel {
  /** The library and its version, such as `Keras 3.15.1`. */
  readonly origin: string;
  readonly config: LayerConfig;
  readonly weights: Weights;
}

/** Lines of Python that save a whole model, of which only the weights were saved. */
const SAVE_MODEL = '  model.load_weights("model.weights.h5")\n  model.save("model.keras")';

/** Files of a `.keras` file. */
const ENTRIES = { config: 'config.json', metadata: 'metadata.json', weights: 'model.weights.h5' } as const;

const parseJson = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    return refuse(`${what} is no JSON; save the model again`, cause);
  }
};

const toOrigin = (version: unknown): string => `Keras ${typeof version === 'string' ? version : '(unknown version)'}`;

const readH5 = (file: Hdf5File): SavedModel => {
  const [config] = file.texts('', 'model_config') ?? [];
  const version = file.texts('', 'keras_version') ?? file.texts('model_weights', 'keras_version');
  const origin = toOrigin(version?.[0]);
  if (config === undefined)
    return refuse(
      `it is an HDF5 file without the attribute model_config, such as one of weights alone; save the whole model in Python:\n${SAVE_MODEL}`,
    );
  const parsed = toLayerConfig(parseJson(config, 'model_config'), origin);
  return { origin, config: parsed, weights: weightsOfH5(file, 'model_weights') };
};

/** Reads a `.h5` or `.keras` file while it is open. @throws `MODEL_INVALID` for other files, damaged ones, and those of weights alone */
export const readSavedModel = async <T>(bytes: Uint8Array, read: (model: SavedModel) => T): Promise<T> => {
  if (HDF5_MAGIC.equals(bytes.subarray(0, HDF5_MAGIC.length))) return readHdf5(bytes, (file) => read(readH5(file)));
  const entries = readZip(bytes);
  const text = (path: string): string | undefined => {
    const entry = entries.get(path);
    return entry && Buffer.from(entry()).toString();
  };
  const config = text(ENTRIES.config);
  const weights = entries.get(ENTRIES.weights);
  if (config === undefined || weights === undefined) {
    const names = [...entries.keys()].slice(0, 5).join(', ');
    return refuse(
      `it is a zip of ${show(names)}, expected ${Object.values(ENTRIES).join(', ')}; save the model with Keras`,
    );
  }
  const metadata = parseJson(text(ENTRIES.metadata) ?? '{}', ENTRIES.metadata);
  const origin = toOrigin(isObject(metadata) ? metadata.keras_version : undefined);
  const parsed = toLayerConfig(parseJson(config, ENTRIES.config), origin);
  return readHdf5(weights(), (file) => read({ origin, config: parsed, weights: weightsOfKeras(file, text) }));
};
