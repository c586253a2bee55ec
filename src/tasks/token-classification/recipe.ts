import { readLabels, refuse, requireSettingsFile } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';

export const tokenClassification: TaskRecipe = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    return {
      settings: { labels: readLabels(config), ...readPositions(config) },
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async tryOut(task, model, { settings }) {
    await runBlank(task, model);
    const outputs = await runExtremes(model, settings.maxLength as number | undefined);
    const classes = (outputs.logits ?? Object.values(outputs)[0])?.shape[2];
    const { length: labels } = settings.labels as unknown[];
    if (classes !== labels) refuse(`the graph has ${classes} labels, "id2label" in config.json names ${labels}`);
  },
};
