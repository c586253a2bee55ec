import { jsonAnswer } from '../../core/answer.ts';
import { mapInTime } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { type Signature, tensorOf } from '../../core/tensor.ts';
import { assertTextGraph, collateEncodings, longestRow } from '../../media/text/collate.ts';
import { describeTexts } from '../../media/text/features.ts';
import { type TextInputs, toTextInputs } from '../../media/text/input.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { listElements } from '../elements.ts';
import { readParameters } from '../parameters.ts';
import { type FunctionName, type LabelScore, SCORE_FUNCTIONS, topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { PARAMETERS } from './parameters.ts';
import { settingsSchema, type TextClassificationSettings } from './settings.ts';
import { createTermClassifier } from './term-classifier.ts';

interface Request extends TextInputs {
  readonly topK: number;
  readonly functionToApply: FunctionName;
}

/** The labels of each text, best first; `truncated` marks a text that was cut to the length of the model. */
export type TextClassificationAnswer = readonly (readonly (LabelScore & { readonly truncated?: true })[])[];

/** The name of the logits float32[N,C]. @throws `MODEL_INVALID` */
const logitsName = ({ outputs }: Signature): string => {
  const logits = outputs.find(({ name }) => name === 'logits') ?? outputs[0];
  if (logits?.dtype !== 'float32' || logits.shape.length !== 2)
    throw new ServingError('MODEL_INVALID', 'text-classification needs a graph with an output logits float32[N,C]');
  return logits.name;
};

const steps = (
  { labels, functionToApply, maxLength }: TextClassificationSettings,
  signature: Signature,
): SinglePass<Request, Encoding, Tokenizer> => {
  const logits = logitsName(signature);
  return {
    blank: { inputs: [{ text: '' }], isList: false, topK: 1, functionToApply },

    elements: listElements,

    decode(payload) {
      const { top_k, function_to_apply } = readParameters(payload.parameters, PARAMETERS);
      return {
        ...toTextInputs(payload),
        topK: top_k ?? labels.length,
        functionToApply: function_to_apply ?? functionToApply,
      };
    },

    load: loadTokenizer,

    prepare: ({ inputs }, tokenizer, deadline) =>
      mapInTime(inputs, deadline, ({ text, pair }) =>
        tokenizer.encode(text, {
          ...(pair !== undefined && { pair }),
          maxLength: longestRow(signature, tokenizer, maxLength),
        }),
      ),

    describe: ({ inputs }, { resources }) =>
      describeTexts(
        inputs.map(({ text, pair = '' }) => text + pair),
        resources,
      ),

    length: ({ ids }) => ids.length,

    outputNames: [logits],

    collate: collateEncodings,

    postprocess(outputs, { topK, functionToApply: name }, encodings) {
      const answer = outputs.map((output, index): TextClassificationAnswer[number] => {
        const scores = SCORE_FUNCTIONS[name](tensorOf(output, logits, 'float32').data);
        const best = topLabels(scores, labels, topK);
        return encodings[index]?.truncatedFrom === undefined
          ? best
          : best.map((entry) => ({ ...entry, truncated: true }));
      });
      const cut = encodings.flatMap(({ truncatedFrom }, index) => (truncatedFrom === undefined ? [] : [index]));
      return jsonAnswer(answer, cut);
    },
  };
};

/**
 * Texts, or pairs of texts → `[{label, score}]` for each, best first, as the Hugging Face inference API answers: nested, also for one text.
 * Graph: `input_ids`, `attention_mask`, … int64[N,tokens] → `logits` float32[N,C]; or terms string[N,terms] → scores float[N,C].
 */
export const textClassification: TaskType<TextClassificationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    if (settings.terms !== undefined) return createTermClassifier(settings.terms, version);
    const signature = signatureOf(version);
    assertTextGraph(signature);
    return singlePass(steps(settings, signature));
  },
};
