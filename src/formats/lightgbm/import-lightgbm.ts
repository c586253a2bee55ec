import { importBooster } from '../boosting/import-booster.ts';
import type { Importer } from '../imported-model.ts';
import { readLightgbm } from './booster.ts';

/** A model of LightGBM in `.txt`, with the answers of `Booster.predict`. */
export const importLightgbm: Importer = async (bytes) => importBooster(readLightgbm(bytes));
