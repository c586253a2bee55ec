import { refuse } from '../../core/errors.ts';
import { hasFile } from '../../source/model-source.ts';
import type { TaskRecipe } from '../recipe.ts';
import { ITEMS_FILE, type RecommendationSettings, USERS_FILE } from './settings.ts';

export const recommendation: TaskRecipe<RecommendationSettings> = {
  graphs: ['model'],
  example: '<history.json>',

  async read(source) {
    if (!(await hasFile(source, ITEMS_FILE)))
      refuse(
        'MODEL_INVALID',
        `${source.directory} has no ${ITEMS_FILE} (the catalogue, in the order of the graph's scores: {"id": "…", ` +
          '"popularity": 12, …} on each line), which its task needs',
      );
    const hasUsers = await hasFile(source, USERS_FILE);
    return {
      settings: { hasUsers },
      resources: [{ path: ITEMS_FILE }, ...(hasUsers ? [{ path: USERS_FILE }] : [])],
      files: (await hasFile(source, 'config.json')) ? [{ path: 'config.json' }] : [],
    };
  },
};
