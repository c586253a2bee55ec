import type { Tokenizer } from '../../media/text/tokenizer.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPrefix, readTaskParams, readTextToText, TEXT_TO_TEXT } from '../text-to-text-recipe.ts';
import type { SummarizationSettings } from './settings.ts';

export const summarization: TaskRecipe<SummarizationSettings, Tokenizer> = {
  ...TEXT_TO_TEXT,

  async read(source) {
    const { config, settings, tokenizer: _, tokenizerConfig: __, ...files } = await readTextToText(source);
    // What the pipeline "summarization" of transformers takes from config.json.
    const [own] = readTaskParams(config, /^(summarization)$/);
    const { generation, maxLength } = settings;
    const prefix = own?.prefix ?? readPrefix(config.prefix) ?? '';
    return { ...files, settings: { prefix, generation: { ...generation, ...own?.generation }, maxLength } };
  },
};
