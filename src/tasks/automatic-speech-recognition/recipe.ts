import type { ModelSource } from '../../source/model-source.ts';
import { requireSettingsFile } from '../../source/settings-file.ts';
import type { TaskRecipe } from '../recipe.ts';
import { ctc } from './ctc/recipe.ts';
import type { SpeechSettings } from './settings.ts';
import { whisper } from './whisper/recipe.ts';

const recipeOf = async (source: ModelSource) => {
  const config = await requireSettingsFile(source, 'config.json', 'the kind of model');
  return config.model_type === 'whisper' ? whisper : ctc;
};

export const automaticSpeechRecognition: TaskRecipe<SpeechSettings> = {
  graphs: async (source) => (await recipeOf(source)).graphs,
  example: '<audio>',
  read: async (source) => (await recipeOf(source)).read(source),
};
