import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import type { Signature } from '../../core/tensor.ts';
import { assertTextGraph, collateEncodings, longestRow } from '../../media/text/collate.ts';
import { type TextInputs, toTextInputs } from '../../media/text/input.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { assertKnownParameters, readChoice, readTopK } from '../parameters.ts';
import { type LabelScore, sigmoid, softmax, topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';

/** How logits become scores, by the names of the Hugging Face pipeline. */
const FUNCTIONS = { softmax, sigmoid, none: (logits: Float32Array) => logits } as const;
const FUNCTION_NAMES = ['softmax', 'sigmoid', 'none'] as const;

const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** What becomes of logits when the caller does not say. */
  functionToApply: v.picklist(FUNCTION_NAMES),
  /** Most tokens that the model takes; the tokenizer may know of fewer. */
  maxLength: v.optional(v.number()),
});

export type TextClassificationSettings = v.InferOutput<typeof settingsSchema>;

interface Request extends TextInputs {
  readonly topK: number;
  readonly functionToApply: keyof typeof FUNCTIONS;
}

/** For each text its labels, best first; `truncated` where the model did not see the whole text. */
export type TextClassificationAnswer = readonly (readonly (LabelScore & { readonly truncated?: true })[])[];

/** The graph's logits float32[N,C]. @throws `MODEL_INVALID` */
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

    decode(payload) {
      const { parameters } = payload;
      assertKnownParameters(parameters, ['top_k', 'function_to_apply']);
      return {
        ...toTextInputs(payload),
        topK: readTopK(parameters, labels.length),
        functionToApply: readChoice(parameters, 'function_to_apply', FUNCTION_NAMES, functionToApply),
      };
    },

    load: loadTokenizer,

    prepare: ({ inputs }, _, tokenizer) =>
      inputs.map(({ text, pair }) =>
        tokenizer.encode(text, {
          ...(pair !== undefined && { pair }),
          maxLength: longestRow(signature, tokenizer, maxLength),
        }),
      ),

    length: ({ ids }) => ids.length,

    outputNames: [logits],

    collate: collateEncodings,

    postprocess(outputs, { topK, functionToApply: name }, encodings) {
      const answer = outputs.map((output, index): TextClassificationAnswer[number] => {
        const scores = FUNCTIONS[name](output[logits]?.data as Float32Array);
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
 * Texts, or pairs of texts → for each `[{label, score}]`, best first, as the Hugging Face inference API answers: nested, also for one text.
 * Graph: `input_ids`, `attention_mask`, … int64[N,tokens] → `logits` float32[N,C].
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of a text classifier
 */
export const createTextClassification = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `text-classification settings: ${v.summarize(parsed.issues)}`);
  assertTextGraph(signature);
  return singlePass(steps(parsed.output, signature));
};
