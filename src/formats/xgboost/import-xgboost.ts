import { importBooster } from '../boosting/import-booster.ts';
import type { Importer } from '../imported-model.ts';
import { readXgboost } from './booster.ts';

/** A model of XGBoost in `.json` or `.ubj`, with the answers of `Booster.predict`. */
export const importXgboost: Importer = async (bytes) => importBooster(readXgboost(bytes));
