import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import { formatSpec, type Signature, type Tensors } from '../../core/tensor.ts';
import { describeTexts } from '../../media/text/features.ts';
import { type Texts, toTexts } from '../../media/text/input.ts';
import { createTerms, groupOfText, toTermTensor, type WordSettings } from '../../media/text/words.ts';
import { formatSpecs } from '../format-specs.ts';
import { assertKnownParameters, readTopK } from '../parameters.ts';
import { topLabels } from '../scores.ts';
import { singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';
import type { Scores } from '../top-indices.ts';

interface Request extends Texts {
  readonly topK: number;
}

/** The name of the only scores float[N,C]. @throws `MODEL_INVALID` */
const findScores = ({ outputs }: Signature): string => {
  const floats = outputs.filter(({ dtype, shape }) => /^float(32|64)$/.test(dtype) && shape.length === 2);
  const [scores, ...others] = floats;
  if (scores !== undefined && others.length === 0) return scores.name;
  throw new ServingError(
    'MODEL_INVALID',
    `a classifier of terms needs one output of scores float32[N,classes]; the graph has ${formatSpecs(outputs)}`,
  );
};

/** @throws `MODEL_INVALID` unless each input gets terms, and is string[N,terms] */
const assertTermGraph = ({ inputs }: Signature, tokens: Readonly<Record<string, WordSettings>>): void => {
  const other = inputs.find(
    ({ name, dtype, shape }) => !Object.hasOwn(tokens, name) || dtype !== 'string' || shape.length !== 2,
  );
  if (other !== undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `input "${other.name}" is ${formatSpec(other)}, expected string[N,terms] with its settings in "tokens" of config.json`,
    );
  const missing = Object.keys(tokens).find((name) => !inputs.some((input) => input.name === name));
  if (missing !== undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `"tokens" in config.json names "${missing}", which is no input of the graph`,
    );
};

const readScores = (outputs: Tensors, name: string): Scores => {
  const output = outputs[name];
  if (output?.dtype === 'float32' || output?.dtype === 'float64') return output.data;
  throw new ServingError('INFERENCE_FAILED', `the graph gave no floats as "${name}"`);
};

/**
 * Texts → `[{label, score}]` for each, best first, with the scores that the graph gives. Graph: inputs string[N,terms], the terms of scikit-learn's
 * vectorizers → scores float[N,C].
 */
export const createTermClassifier = (
  labels: readonly string[],
  tokens: Readonly<Record<string, WordSettings>>,
  signature: Signature,
): Task<Request> => {
  assertTermGraph(signature, tokens);
  const scores = findScores(signature);
  const inputs = Object.entries(tokens).map(([name, settings]) => ({ name, termsOf: createTerms(settings) }));
  return singlePass<Request, string>({
    blank: { texts: [''], isList: false, topK: Number.POSITIVE_INFINITY },
    outputNames: [scores],

    decode(payload) {
      assertKnownParameters(payload.parameters, ['top_k']);
      return { ...toTexts(payload), topK: readTopK(payload.parameters, labels.length) };
    },

    prepare: ({ texts }) => texts,

    describe: ({ texts }) => describeTexts(texts),

    group: groupOfText,

    collate: (texts) => Object.fromEntries(inputs.map(({ name, termsOf }) => [name, toTermTensor(texts, termsOf)])),

    postprocess: (outputs, { topK }) =>
      jsonAnswer(outputs.map((output) => topLabels(readScores(output, scores), labels, topK))),
  });
};
