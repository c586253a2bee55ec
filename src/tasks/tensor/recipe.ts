import type { TaskRecipe } from '../recipe.ts';
import { findBlank } from './find-blank.ts';
import type { TensorSettings } from './settings.ts';

export const tensor: TaskRecipe<TensorSettings> = {
  graphs: ['model'],
  example: '<request.json>',
  maxBatch: 1, // requests run one by one

  read: async () => ({ settings: {} }),

  /** `findBlank` runs the graph. */
  trialRun: async () => {},

  findBlank,
};
