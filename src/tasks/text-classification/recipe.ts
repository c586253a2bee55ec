import * as v from 'valibot';
import { jsonValueOf } from '../../core/answer.ts';
import { refuse } from '../../core/errors.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { tokensSchema } from '../../media/text/words.ts';
import { readLabels, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { answerOne, runBlank } from '../answer-one.ts';
import { assertClassCount, countElements } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';
import type { FunctionName, TextClassificationSettings } from './settings.ts';

/** The function that the Hugging Face pipeline would choose. */
const readFunction = ({ problem_type: problem }: Settings, labels: readonly string[]): FunctionName => {
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || labels.length === 1 ? 'sigmoid' : 'softmax';
};

/** `"tokens"` of config.json: terms for each input of the graph; undefined for a model with a tokenizer. @throws `MODEL_INVALID` */
const readTokens = ({ tokens }: Settings): TextClassificationSettings['tokens'] => {
  if (tokens === undefined) return undefined;
  const parsed = v.safeParse(tokensSchema, tokens);
  return parsed.success
    ? parsed.output
    : refuse('MODEL_INVALID', `"tokens" in config.json: ${v.summarize(parsed.issues)}`);
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
