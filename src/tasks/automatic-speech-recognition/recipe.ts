import type { ModelSource } from '../../source/model-source.ts';
import { requireSettingsFile } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import { ctc } from './ctc/recipe.ts';
import { whisper } from './whisper/recipe.ts';

type Recipe = TaskRecipe & { readonly graphs: readonly string[] };

/** By the kind that stands in the settings. */
const KINDS: Readonly<Record<string, Recipe>> = { ctc, whisper };

const recipeOf = async (source: ModelSource): Promise<Recipe> => {
  const config = await requireSettingsFile(source, 'config.json', 'what the model is');
  return config.model_type === 'whisper' ? whisper : ctc;
};

export const automaticSpeechRecognition: TaskRecipe = {
  graphs: async (source) => (await recipeOf(source)).graphs,
  example: '<recording>',
  read: async (source) => (await recipeOf(source)).read(source),
  async tryOut(task, model, candidate, dimensions) {
    const { tryOut = runBlank } = KINDS[String(candidate.settings.kind)] ?? {};
    await tryOut(task, model, candidate, dimensions);
  },
};
