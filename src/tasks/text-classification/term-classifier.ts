import { toTexts } from '../../media/text/input.ts';
import { listElements } from '../elements.ts';
import type { TabularClassificationSettings } from '../tabular-classification/settings.ts';
import { tabularClassification } from '../tabular-classification/task.ts';
import type { Task } from '../task.ts';
import type { TaskVersion } from '../task-type.ts';

/**
 * Texts → `[{label, score}]` for each, the predicted one first. It is the table of one column, each text a row of it. Graph: inputs
 * string[N,terms], the terms of scikit-learn's vectorizers → scores float[N,C] and perhaps a label [N].
 */
export const createTermClassifier = async (
  terms: TabularClassificationSettings,
  version: TaskVersion,
): Promise<Task> => {
  const table = await tabularClassification.create(terms, version);
  return {
    ...table,
    elements: listElements,
    decode: (payload) => table.decode({ ...payload, inputs: toTexts(payload).texts.map((text) => [text]) }),
  };
};
