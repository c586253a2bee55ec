import type { TaskRecipe } from '../recipe.ts';
import { answerBlank, readColumns, readConfig } from '../tabular-recipe.ts';

export const tabularRegression: TaskRecipe = {
  graphs: ['model'],
  example: '<rows.csv>',

  async read(source) {
    const { config, files } = await readConfig(source);
    return { settings: readColumns(config), files };
  },

  async tryOut(task, model) {
    await answerBlank(task, model);
  },
};
