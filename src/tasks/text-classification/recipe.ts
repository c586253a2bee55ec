import { jsonValueOf } from '../../core/answer.ts';
import { ZEROS } from '../../core/blank.ts';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { readLabels, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { answerOne, runBlank } from '../answer-one.ts';
import { assertClassCount, countElements, readFunction } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readColumns } from '../tabular-recipe.ts';
import { readPositions, readTextResources, runExtremes, twoTexts } from '../text-recipe.ts';
import type { TextClassificationSettings } from './settings.ts';

/** Scores of which the highest belongs to the best label. */
const RISING = ['probabilities', 'margins'];

/** The terms of the only column in config.json; undefined for a model with a tokenizer. @throws `MODEL_INVALID` */
const readTokens = (config: Settings): TextClassificationSettings['tokens'] => {
  const columns = readColumns(config);
  if (columns === undefined) return undefined;
  const [column, ...others] = columns;
  if (column?.tokens === undefined || others.length > 0)
    return refuse(
      'MODEL_INVALID',
      '"columns" in config.json are no single text with "tokens": a table has the task tabular-classification',
    );
  const { scores } = config;
  if (scores !== undefined && !RISING.includes(String(scores)))
    return refuse('MODEL_INVALID', `"scores" in config.json are ${show(scores)}, expected ${RISING.join(' or ')}`);
  return column.tokens;
};

export const textClassification: TaskRecipe<TextClassificationSettings, Tokenizer> = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const labels = readLabels(config);
    const tokens = readTokens(config);
    if (tokens !== undefined)
      return { settings: { labels, functionToApply: 'none', tokens }, files: [{ path: 'config.json' }] };
    const { functionToApply, notes } = await readFunction(source, config, labels);
    return {
      settings: { labels, functionToApply, maxLength: readPositions(config) },
      notes,
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async trialRun(task, model, { labels, maxLength, tokens }) {
    if (tokens !== undefined) {
      const answers = jsonValueOf(await answerOne(task, model, task.blank(ZEROS)));
      return assertClassCount(Array.isArray(answers) ? countElements(answers[0]) : undefined, labels);
    }
    await runBlank(task, model);
    const outputs = await runExtremes(model, maxLength);
    assertClassCount((outputs.logits ?? Object.values(outputs)[0])?.shape[1], labels);
  },

  twoRows: (model, { maxLength, tokens }) => (tokens === undefined ? twoTexts(model, maxLength) : {}),
};
