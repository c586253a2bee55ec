import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import { type Signature, tensorOf } from '../../core/tensor.ts';
import { BLACK_PIXEL, type Images, toImages } from '../../media/image/input.ts';
import { recyclePixelValues, toPixelValues } from '../../media/image/pixel-values.ts';
import { type ImagePreprocessing, parseImagePreprocessing } from '../../media/image/preprocessing.ts';
import { bySize, type ResizedImage, resizeImages } from '../../media/image/resize-image.ts';
import { assertKnownParameters, readChoice, readTopK } from '../parameters.ts';
import { FUNCTION_NAMES, FUNCTIONS, type FunctionName, topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { type ImageClassificationSettings, settingsSchema } from './settings.ts';

interface Request extends Images {
  readonly topK: number;
  readonly functionToApply: FunctionName;
}

/** The default of the Hugging Face pipeline. */
const DEFAULT_TOP_K = 5;

interface GraphNames {
  readonly pixelValues: string;
  readonly logits: string;
}

/** The graph's only image input and its logits. @throws `MODEL_INVALID` */
const findNames = ({ inputs, outputs }: Signature): GraphNames => {
  const pixelValues = inputs.find(({ shape, dtype }) => dtype === 'float32' && shape.length === 4);
  const logits = outputs.find(({ name }) => name === 'logits') ?? outputs[0];
  if (pixelValues === undefined || inputs.length !== 1 || logits?.dtype !== 'float32' || logits.shape.length !== 2)
    throw new ServingError(
      'MODEL_INVALID',
      'image-classification needs a graph with one input float32[N,3,H,W] and an output logits float32[N,C]',
    );
  return { pixelValues: pixelValues.name, logits: logits.name };
};

const steps = (
  { labels, multiLabel }: ImageClassificationSettings,
  preprocessing: ImagePreprocessing,
  names: GraphNames,
): SinglePass<Request, ResizedImage, undefined> => ({
  blank: { files: [BLACK_PIXEL], isList: false, topK: Number.POSITIVE_INFINITY, functionToApply: 'none' },

  decode(payload) {
    const { parameters } = payload;
    assertKnownParameters(parameters, ['top_k', 'function_to_apply']);
    return {
      ...toImages(payload),
      topK: readTopK(parameters, DEFAULT_TOP_K),
      functionToApply: readChoice(parameters, 'function_to_apply', FUNCTION_NAMES, multiLabel ? 'sigmoid' : 'softmax'),
    };
  },

  prepare: (request, _, deadline) => resizeImages(request, preprocessing, deadline),
  group: bySize,
  collate: (batch) => ({ [names.pixelValues]: toPixelValues(batch, preprocessing.channels) }),
  recycle: (feeds) => recyclePixelValues(tensorOf(feeds, names.pixelValues, 'float32')),

  postprocess(outputs, { isList, topK, functionToApply }) {
    const answers = outputs.map((output) => {
      const logits = tensorOf(output, names.logits, 'float32').data;
      return topLabels(FUNCTIONS[functionToApply](logits), labels, topK);
    });
    return jsonAnswer(isList ? answers : answers[0]);
  },
});

/**
 * An image → `[{label, score}]`, best first, as the Hugging Face pipeline of that name answers; a list of images → a list of these.
 * Graph: `pixel_values` float32[N,3,H,W] → `logits` float32[N,C].
 */
export const imageClassification: TaskType<ImageClassificationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const preprocessing = parseImagePreprocessing(settings.preprocessing);
    return singlePass(steps(settings, preprocessing, findNames(signatureOf(version))));
  },
};
