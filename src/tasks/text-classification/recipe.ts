import { jsonValueOf } from '../../core/answer.ts';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { readLabels, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { answerOne, runBlank } from '../answer-one.ts';
import { assertClassCount, countElements } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readColumns } from '../tabular-recipe.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';
import type { FunctionName, TextClassificationSettings } from './settings.ts';

/** The function that the Hugging Face pipeline would choose. */
const readFunction = ({ problem_type: problem }: Settings, labels: readonly string[]): FunctionName => {
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || labels.length === 1 ? 'sigmoid' : 'softmax';
};

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
    return {
      settings: { labels, functionToApply: readFunction(config, labels), maxLength: readPositions(config) },
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async trialRun(task, model, { labels, maxLength, tokens }) {
    if (tokens !== undefined) {
      const answers = jsonValueOf(await answerOne(task, model, task.blank({})));
      return assertClassCount(Array.isArray(answers) ? countElements(answers[0]) : undefined, labels);
    }
    await runBlank(task, model);
    const outputs = await runExtremes(model, maxLength);
    assertClassCount((outputs.logits ?? Object.values(outputs)[0])?.shape[1], labels);
  },
};
