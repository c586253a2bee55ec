import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { concatenate } from '../../core/batch.ts';
import { ServingError } from '../../core/errors.ts';
import { formatSpec, type Signature, type Tensor, type TensorSpec } from '../../core/tensor.ts';
import { BLACK_PIXEL, type Images, toImages } from '../../media/image/input.ts';
import { recyclePixelValues, toPixelValues } from '../../media/image/pixel-values.ts';
import { type ImagePreprocessing, parseImagePreprocessing, processorName } from '../../media/image/preprocessing.ts';
import { bySize, type ResizedImage, resizeImages } from '../../media/image/resize-image.ts';
import { assertKnownParameters, readFraction } from '../parameters.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';
import type { Corners, DetectionOptions, Head } from './detection.ts';
import { QUERY_HEADS } from './query-head.ts';
import { yoloHead } from './yolo-head.ts';

const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** `preprocessor_config.json` as the model came with it. */
  preprocessing: v.record(v.string(), v.unknown()),
});

interface Request extends Images {
  readonly options: DetectionOptions;
}

interface GraphInputs {
  /** float32[N,3,H,W] */
  readonly pixelValues: string;
  /** int64[N,H,W]: 1 where the picture is, 0 where it is padded. */
  readonly pixelMask: TensorSpec | undefined;
}

const invalid = (problem: string): ServingError => new ServingError('MODEL_INVALID', `object-detection: ${problem}`);

const listed = (specs: readonly TensorSpec[]): string =>
  specs.map((spec) => `${spec.name} ${formatSpec(spec)}`).join(', ');

/** @throws `MODEL_INVALID` */
const findInputs = ({ inputs }: Signature): GraphInputs => {
  const pixelValues = inputs.find(({ dtype, shape }) => dtype === 'float32' && shape.length === 4);
  const pixelMask = inputs.find(
    ({ name, dtype, shape }) => name === 'pixel_mask' && dtype === 'int64' && shape.length === 3,
  );
  if (pixelValues === undefined || inputs.length !== (pixelMask ? 2 : 1))
    throw invalid(
      `the graph takes ${listed(inputs)}, expected pictures float32[N,3,H,W], and pixel_mask int64[N,H,W] or nothing else`,
    );
  return { pixelValues: pixelValues.name, pixelMask };
};

/** @throws `MODEL_INVALID` when the outputs are those of no detector that is known here */
const chooseHead = ({ outputs }: Signature, preprocessing: Readonly<Record<string, unknown>>): Head => {
  const has = (name: string): boolean =>
    outputs.some((output) => output.name === name && output.dtype === 'float32' && output.shape.length === 3);
  if (has('logits') && has('pred_boxes')) {
    const processor = processorName(preprocessing) ?? '';
    const head = Object.hasOwn(QUERY_HEADS, processor) ? QUERY_HEADS[processor] : undefined;
    if (head !== undefined) return head;
    const known = Object.keys(QUERY_HEADS).map((name) => `${name}ImageProcessor`);
    throw invalid(
      `"image_processor_type" in preprocessor_config.json says what logits mean, with and without a class for "no object": expected ${known.join(', ')}`,
    );
  }
  const [yolo, ...others] = outputs.filter(({ dtype, shape }) => dtype === 'float32' && shape.length === 3);
  if (yolo !== undefined && others.length === 0) return yoloHead(yolo.name);
  throw invalid(
    `the graph gives ${listed(outputs)}, expected logits float32[N,Q,C] and pred_boxes float32[N,Q,4], or one float32[1,4+C,N] as YOLO`,
  );
};

/** The mask of one picture, where the graph fixes its sides as scaled down to them. */
const toPixelMask = ({ geometry: { canvas, output } }: ResizedImage, { shape }: TensorSpec): Tensor<'int64'> => {
  const [, rows, columns] = shape;
  const height = typeof rows === 'number' ? rows : output.height;
  const width = typeof columns === 'number' ? columns : output.width;
  const filledRows = Math.ceil((canvas.height * height) / output.height);
  const filledColumns = Math.ceil((canvas.width * width) / output.width);
  const data = new BigInt64Array(height * width);
  for (let y = 0; y < filledRows; y += 1) data.fill(1n, y * width, y * width + filledColumns);
  return { dtype: 'int64', shape: [1, height, width], data };
};

/** In whole pixels, cut towards zero as the pipeline of `transformers` cuts them. */
const toBox = ([xmin, ymin, xmax, ymax]: Corners) => ({
  xmin: Math.trunc(xmin) + 0, // no -0
  ymin: Math.trunc(ymin) + 0,
  xmax: Math.trunc(xmax) + 0,
  ymax: Math.trunc(ymax) + 0,
});

const steps = (
  labels: readonly string[],
  preprocessing: ImagePreprocessing,
  { pixelValues, pixelMask }: GraphInputs,
  { defaults, detect }: Head,
): SinglePass<Request, ResizedImage, undefined> => ({
  blank: { files: [BLACK_PIXEL], isList: false, options: defaults },

  decode(payload) {
    const { parameters } = payload;
    assertKnownParameters(parameters, Object.keys(defaults));
    const options = {
      threshold: readFraction(parameters, 'threshold', defaults.threshold),
      ...(defaults.iou !== undefined && { iou: readFraction(parameters, 'iou', defaults.iou) }),
    };
    return { ...toImages(payload), options };
  },

  prepare: (request) => resizeImages(request, preprocessing),

  // Never padded to the size of another picture: a detector sees the padding, and would answer by what else was sent.
  group: bySize,

  collate: (batch) => ({
    [pixelValues]: toPixelValues(batch, preprocessing.channels),
    ...(pixelMask && concatenate(batch.map((image) => ({ [pixelMask.name]: toPixelMask(image, pixelMask) })))),
  }),
  recycle: (feeds) => recyclePixelValues(feeds[pixelValues] as Tensor<'float32'>),

  postprocess(outputs, { isList, options }, images) {
    const answers = outputs.map((output, index) =>
      detect(output, images[index] as ResizedImage, labels.length, options).map(({ score, label, corners }) => ({
        score,
        label: labels[label],
        box: toBox(corners),
      })),
    );
    return jsonAnswer(isList ? answers : answers[0]);
  },
});

/**
 * A picture → `[{score, label, box: {xmin, ymin, xmax, ymax}}]` in its own pixels, as the Hugging Face pipeline of that name answers; a
 * list of pictures → a list of such lists.
 * Graph: `pixel_values` float32[N,3,H,W], perhaps `pixel_mask` int64[N,H,W] → `logits` float32[N,Q,C] and `pred_boxes` float32[N,Q,4], or
 * float32[N,4+C,A] as of YOLO.
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of a detector
 */
export const createObjectDetection = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success) throw invalid(v.summarize(parsed.issues));
  const { labels, preprocessing } = parsed.output;
  const head = chooseHead(signature, preprocessing);
  return singlePass(steps(labels, parseImagePreprocessing(preprocessing), findInputs(signature), head));
};
