import { jsonAnswer } from '../../core/answer.ts';
import { refuse } from '../../core/errors.ts';
import { type Signature, type TensorSpec, tensorOf } from '../../core/tensor.ts';
import { describeImages } from '../../media/image/features.ts';
import { findImageInput, IMAGE_INPUTS, type ImageInput } from '../../media/image/image-input.ts';
import { BLACK_PIXEL, type Images, toImages } from '../../media/image/input.ts';
import { recyclePixelValues, toImageTensor } from '../../media/image/pixel-values.ts';
import { type ImagePreprocessing, parseImagePreprocessing } from '../../media/image/preprocessing.ts';
import { bySize, type ResizedImage, resizeImages } from '../../media/image/resize-image.ts';
import { listElements } from '../elements.ts';
import { formatSpecs } from '../format-specs.ts';
import { readParameters } from '../parameters.ts';
import { type FunctionName, SCORE_FUNCTIONS, topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { PARAMETERS } from './parameters.ts';
import { type ImageClassificationSettings, settingsSchema } from './settings.ts';

interface Request extends Images {
  readonly topK: number;
  readonly functionToApply: FunctionName;
}

interface GraphNames {
  readonly image: ImageInput;
  readonly logits: string;
}

/** float32[N,C], also with further dimensions of 1. */
const isLogits = ({ dtype, shape }: TensorSpec): boolean =>
  dtype === 'float32' && shape.length >= 2 && shape.slice(2).every((size) => size === 1);

/** The graph's only image input and its logits. @throws `MODEL_INVALID` */
const findNames = (signature: Signature): GraphNames => {
  const { inputs, outputs } = signature;
  const image = findImageInput(signature);
  const logits = outputs.find(({ name }) => name === 'logits') ?? outputs.find(isLogits);
  if (image === undefined || inputs.length !== 1)
    return refuse(
      'MODEL_INVALID',
      `image-classification: the graph takes ${formatSpecs(inputs)}, expected one input: ${IMAGE_INPUTS}`,
    );
  if (logits === undefined || !isLogits(logits))
    return refuse(
      'MODEL_INVALID',
      `image-classification: the graph gives ${formatSpecs(outputs)}, expected an output logits float32[N,C]`,
    );
  return { image, logits: logits.name };
};

const steps = (
  { labels, functionToApply, multiLabel = false }: ImageClassificationSettings,
  preprocessing: ImagePreprocessing,
  { image, logits }: GraphNames,
): SinglePass<Request, ResizedImage, undefined> => {
  const byDefault = functionToApply ?? (multiLabel ? 'sigmoid' : 'softmax');
  return {
    blank: { files: [BLACK_PIXEL], isList: false, topK: Number.POSITIVE_INFINITY, functionToApply: byDefault },

    elements: listElements,

    decode(payload) {
      const { top_k, function_to_apply } = readParameters(payload.parameters, PARAMETERS);
      return {
        ...toImages(payload),
        topK: top_k ?? PARAMETERS.top_k.default,
        functionToApply: function_to_apply ?? byDefault,
      };
    },

    prepare: (request, _, deadline) => resizeImages(request, preprocessing, deadline),
    describe: (request, { deadline }) => describeImages(request, deadline),
    group: bySize,
    outputNames: [logits],
    collate: (batch) => ({ [image.name]: toImageTensor(batch, preprocessing.channels, image) }),
    recycle: ({ [image.name]: pixels }) => pixels && recyclePixelValues(pixels),

    postprocess(outputs, { isList, topK, functionToApply: name }) {
      const answers = outputs.map((output) =>
        topLabels(SCORE_FUNCTIONS[name](tensorOf(output, logits, 'float32').data), labels, topK),
      );
      return jsonAnswer(isList ? answers : answers[0]);
    },
  };
};

/**
 * An image → `[{label, score}]`, best first, as the Hugging Face pipeline of that name answers; a list of images → a list of these.
 * Graph: images float32 or uint8, [N,C,H,W] or [N,H,W,C] with 3 channels or 1 → `logits` float32[N,C].
 */
export const imageClassification: TaskType<ImageClassificationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const names = findNames(signatureOf(version));
    return singlePass(steps(settings, parseImagePreprocessing(settings.preprocessing, names.image), names));
  },
};
