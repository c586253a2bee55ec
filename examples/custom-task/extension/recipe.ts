import { requireSettingsFile, type TaskRecipe, type Unchecked } from '#contract/recipe';
import type { AnomalyDetectionSettings } from './settings.ts';

/** `push` reads the threshold from config.json. */
export const recipe: TaskRecipe<Unchecked<AnomalyDetectionSettings>> = {
  graphs: ['model'],
  example: '<series.json>',

  async read(source) {
    const { threshold } = await requireSettingsFile(source, 'config.json', 'the threshold');
    return { settings: { threshold }, files: [{ path: 'config.json' }] };
  },
};
