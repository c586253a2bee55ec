import type { TaskRecipe } from '../recipe.ts';
import { readColumns, readConfig, tableTrial } from '../tabular-recipe.ts';
import type { TabularRegressionSettings } from './settings.ts';

export const tabularRegression: TaskRecipe<TabularRegressionSettings> = {
  graphs: ['model'],
  example: '<rows.csv>',

  async read(source) {
    const { config, files } = await readConfig(source);
    return { settings: { columns: readColumns(config) }, files };
  },

  ...tableTrial,
};
