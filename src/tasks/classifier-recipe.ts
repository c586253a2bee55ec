import { refuse } from '../core/errors.ts';
import { show } from '../core/show.ts';
import { findLastOperator } from '../onnx/last-operator.ts';
import type { ModelSource } from '../source/model-source.ts';
import type { Settings } from '../source/settings-file.ts';
import { FUNCTION_NAMES, type FunctionName } from './scores.ts';

/** Operators whose outputs are scores, from 0 to 1; those of com.microsoft take 8-bit integers. */
const SCORE_OPERATORS = ['Softmax', 'Sigmoid', 'HardSigmoid', 'QLinearSoftmax', 'QLinearSigmoid'];

interface ChosenFunction {
  readonly functionToApply: FunctionName;
  /** Remarks for people. */
  readonly notes: readonly string[];
}

/** A remark for people on a graph that ends in scores; undefined for a graph of logits. */
export const noteScores = async ({ graphs: { model } }: ModelSource): Promise<string | undefined> => {
  const last = model && findLastOperator(await model.read(), 'logits');
  return last !== undefined && SCORE_OPERATORS.includes(last)
    ? `the graph ends in ${last}, so that its outputs are the scores: function_to_apply is none`
    : undefined;
};

/**
 * Chooses the function from the outputs of a classifier to its scores. `function_to_apply` of config.json goes first. A graph that ends in scores
 * has none. Any other graph has the function that the Hugging Face pipeline would choose.
 * @throws `MODEL_INVALID` for an unknown `function_to_apply`
 */
export const readFunction = async (
  source: ModelSource,
  { function_to_apply: wanted, problem_type: problem }: Settings,
  labels: readonly string[],
): Promise<ChosenFunction> => {
  if (wanted !== undefined && wanted !== null) {
    const functionToApply =
      FUNCTION_NAMES.find((name) => name === wanted) ??
      refuse(
        'MODEL_INVALID',
        `"function_to_apply" in config.json is ${show(wanted)}, expected one of ${FUNCTION_NAMES.join(', ')}`,
      );
    return { functionToApply, notes: [] };
  }
  if (problem === 'regression') return { functionToApply: 'none', notes: [] };
  const note = await noteScores(source);
  if (note !== undefined) return { functionToApply: 'none', notes: [note] };
  const isIndependent = problem === 'multi_label_classification' || labels.length === 1;
  return { functionToApply: isIndependent ? 'sigmoid' : 'softmax', notes: [] };
};

/** Compares the classes of a graph with the labels of config.json. @throws `MODEL_INVALID` when there are more or fewer */
export const assertClassCount = (classes: number | string | undefined, labels: readonly string[]): void => {
  if (classes !== labels.length)
    refuse('MODEL_INVALID', `the graph has ${classes} classes, "id2label" in config.json names ${labels.length}`);
};

/** The number of elements of an answer; undefined unless the answer is a list. */
export const countElements = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined);
