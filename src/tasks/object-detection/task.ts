import { jsonAnswer } from '../../core/answer.ts';
import { concatenate } from '../../core/batch.ts';
import { element } from '../../core/element.ts';
import { ServingError } from '../../core/errors.ts';
import { type Signature, type Tensor, type TensorSpec, tensor } from '../../core/tensor.ts';
import { describeImages } from '../../media/image/features.ts';
import { findImageInput, IMAGE_INPUTS, type ImageInput } from '../../media/image/image-input.ts';
import { BLACK_PIXEL, type Images, toImages } from '../../media/image/input.ts';
import { recyclePixelValues, toImageTensor } from '../../media/image/pixel-values.ts';
import { type ImagePreprocessing, parseImagePreprocessing, processorName } from '../../media/image/preprocessing.ts';
import { bySize, type ResizedImage, resizeImages } from '../../media/image/resize-image.ts';
import { listElements } from '../elements.ts';
import { formatSpecs } from '../format-specs.ts';
import { assertKnownParameters, readParameters } from '../parameters.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { countedHead, findCountedOutputs } from './counted-head.ts';
import type { Corners, DetectionOptions, Head } from './detection.ts';
import { refusedMasks } from './other-heads.ts';
import { PARAMETERS } from './parameters.ts';
import { QUERY_HEADS } from './query-head.ts';
import { type ObjectDetectionSettings, settingsSchema } from './settings.ts';
import { finishedHead, yoloHead } from './yolo-head.ts';

interface Request extends Images {
  readonly options: DetectionOptions;
}

interface GraphInputs {
  readonly image: ImageInput;
  /** int64[N,H,W]: 1 at the image, 0 at its padding. */
  readonly pixelMask: TensorSpec | undefined;
}

const invalid = (problem: string): ServingError => new ServingError('MODEL_INVALID', `object-detection: ${problem}`);

/** @throws `MODEL_INVALID` */
const findInputs = (signature: Signature): GraphInputs => {
  const { inputs } = signature;
  const image = findImageInput(signature);
  const pixelMask = inputs.find(
    ({ name, dtype, shape }) => name === 'pixel_mask' && dtype === 'int64' && shape.length === 3,
  );
  if (image === undefined || inputs.length !== (pixelMask ? 2 : 1))
    throw invalid(
      `the graph takes ${formatSpecs(inputs)}, expected ${IMAGE_INPUTS}, and pixel_mask int64[N,H,W] or nothing else`,
    );
  return { image, pixelMask };
};

/** Boxes of all images of a run, one after the other. */
const isFlat = (shape: TensorSpec['shape']): boolean => shape.length === 2 && shape[1] === 7;

/** Tells whether an output has finished boxes, and not scores of every class. */
const isFinished = ({ shape }: TensorSpec, classes: number): boolean =>
  isFlat(shape) || (shape[2] === 6 && shape[1] !== 4 + classes);

/** The head for the outputs of a graph. @throws `MODEL_INVALID` for the outputs of an unknown detector */
const chooseHead = ({ outputs }: Signature, { labels, preprocessing }: ObjectDetectionSettings): Head => {
  const has = (name: string): boolean =>
    outputs.some((output) => output.name === name && output.dtype === 'float32' && output.shape.length === 3);
  if (has('logits') && has('pred_boxes')) {
    const processor = processorName(preprocessing) ?? '';
    const head = Object.hasOwn(QUERY_HEADS, processor) ? QUERY_HEADS[processor] : undefined;
    if (head !== undefined) return head;
    const known = Object.keys(QUERY_HEADS).map((name) => `${name}ImageProcessor`);
    throw invalid(
      '"image_processor_type" in preprocessor_config.json decides the meaning of the logits, with or without a ' +
        `class for "no object": expected ${known.join(', ')}`,
    );
  }
  const counted = findCountedOutputs(outputs);
  if (counted !== undefined) return countedHead(counted);
  const floats = outputs.filter(({ dtype }) => dtype === 'float32');
  if (floats.some(({ shape }) => shape.length === 4)) throw invalid(refusedMasks(formatSpecs(outputs)));
  const [yolo, ...others] = floats.filter(({ shape }) => shape.length === 3 || isFlat(shape));
  if (yolo !== undefined && others.length === 0)
    return isFinished(yolo, labels.length) ? finishedHead(yolo.name, isFlat(yolo.shape)) : yoloHead(yolo.name);
  throw invalid(
    `the graph gives ${formatSpecs(outputs)}, expected logits float32[N,Q,C] and pred_boxes float32[N,Q,4], ` +
      'one float32[1,4+C,N], float32[1,K,6] or float32[K,7] as YOLO, or the number, boxes, scores and classes of YOLO-NAS',
  );
};

/** The mask of one image, scaled down to the sides that the graph fixes. */
const toPixelMask = ({ geometry: { canvas, output } }: ResizedImage, { shape }: TensorSpec): Tensor<'int64'> => {
  const [, rows, columns] = shape;
  const height = typeof rows === 'number' ? rows : output.height;
  const width = typeof columns === 'number' ? columns : output.width;
  const filledRows = Math.ceil((canvas.height * height) / output.height);
  const filledColumns = Math.ceil((canvas.width * width) / output.width);
  const data = new BigInt64Array(height * width);
  for (let y = 0; y < filledRows; y += 1) data.fill(1n, y * width, y * width + filledColumns);
  return tensor('int64', [1, height, width], data);
};

/** A box in whole pixels, cut towards zero as in the pipeline of `transformers`. */
const toBox = ([xmin, ymin, xmax, ymax]: Corners) => ({
  xmin: Math.trunc(xmin) + 0, // no -0
  ymin: Math.trunc(ymin) + 0,
  xmax: Math.trunc(xmax) + 0,
  ymax: Math.trunc(ymax) + 0,
});

const steps = (
  labels: readonly string[],
  preprocessing: ImagePreprocessing,
  { image, pixelMask }: GraphInputs,
  { defaults, oneByOne = false, detect }: Head,
): SinglePass<Request, ResizedImage, undefined> => ({
  blank: { files: [BLACK_PIXEL], isList: false, options: defaults },
  oneByOne,

  elements: listElements,

  decode(payload) {
    assertKnownParameters(payload.parameters, Object.keys(defaults));
    const { threshold = defaults.threshold, iou = defaults.iou } = readParameters(payload.parameters, PARAMETERS);
    const options = { threshold, ...(iou !== undefined && { iou }) };
    return { ...toImages(payload), options };
  },

  prepare: (request, _, deadline) => resizeImages(request, preprocessing, deadline),
  describe: (request, { deadline }) => describeImages(request, deadline),

  // No image is padded to the size of another: a detector sees the padding, so that answers would depend on the batch.
  group: bySize,

  collate: (batch) => ({
    [image.name]: toImageTensor(batch, preprocessing.channels, image),
    ...(pixelMask && concatenate(batch.map((each) => ({ [pixelMask.name]: toPixelMask(each, pixelMask) })))),
  }),
  recycle: ({ [image.name]: pixels }) => pixels && recyclePixelValues(pixels),

  postprocess(outputs, { isList, options }, images) {
    const answers = outputs.map((output, index) =>
      detect(output, element(images, index), labels.length, options).map(({ score, label, corners }) => ({
        score,
        label: labels[label],
        box: toBox(corners),
      })),
    );
    return jsonAnswer(isList ? answers : answers[0]);
  },
});

/**
 * An image → `[{score, label, box: {xmin, ymin, xmax, ymax}}]` in its own pixels, as the Hugging Face pipeline of that name answers; a
 * list of images → a list of such lists.
 * Graph: `pixel_values` float32[N,3,H,W], perhaps `pixel_mask` int64[N,H,W] → `logits` float32[N,Q,C] and `pred_boxes` float32[N,Q,4], or
 * float32[N,4+C,A], float32[N,K,6] or float32[K,7] of YOLO. A YOLO-NAS that counts its boxes has four outputs.
 */
export const objectDetection: TaskType<ObjectDetectionSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const signature = signatureOf(version);
    const head = chooseHead(signature, settings);
    const inputs = findInputs(signature);
    const preprocessing = parseImagePreprocessing(settings.preprocessing, inputs.image);
    return singlePass(steps(settings.labels, preprocessing, inputs, head));
  },
};
