import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import type { Signature, Tensor } from '../../core/tensor.ts';
import { BLACK_PIXEL, type Images, toImages } from '../../media/image/input.ts';
import { recyclePixelValues, toPixelValues } from '../../media/image/pixel-values.ts';
import { type ImagePreprocessing, parseImagePreprocessing } from '../../media/image/preprocessing.ts';
import { bySize, type ResizedImage, resizeImages } from '../../media/image/resize-image.ts';
import { assertKnownParameters, readTopK } from '../parameters.ts';
import { sigmoid, softmax, topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';

const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Whether a picture may have several labels: scores are then independent. */
  multiLabel: v.boolean(),
  /** `preprocessor_config.json` as the model came with it. */
  preprocessing: v.record(v.string(), v.unknown()),
});

export type ImageClassificationSettings = v.InferOutput<typeof settingsSchema>;

interface Request extends Images {
  readonly topK: number;
}

/** As the Hugging Face pipeline. */
const DEFAULT_TOP_K = 5;

/** The graph's only image input and its logits. @throws `MODEL_INVALID` */
const graphNames = ({ inputs, outputs }: Signature): { pixelValues: string; logits: string } => {
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
  names: ReturnType<typeof graphNames>,
): SinglePass<Request, ResizedImage, undefined> => ({
  blank: { files: [BLACK_PIXEL], isList: false, topK: DEFAULT_TOP_K },

  decode(payload) {
    assertKnownParameters(payload.parameters, ['top_k']);
    return { ...toImages(payload), topK: readTopK(payload.parameters, DEFAULT_TOP_K) };
  },

  prepare: (request) => resizeImages(request, preprocessing),
  group: bySize,
  collate: (batch) => ({ [names.pixelValues]: toPixelValues(batch, preprocessing.channels) }),
  recycle: (feeds) => recyclePixelValues(feeds[names.pixelValues] as Tensor<'float32'>),

  postprocess(outputs, { isList, topK }) {
    const answers = outputs.map((output) => {
      const logits = output[names.logits]?.data as Float32Array;
      return topLabels(multiLabel ? sigmoid(logits) : softmax(logits), labels, topK);
    });
    return jsonAnswer(isList ? answers : answers[0]);
  },
});

/**
 * A picture → `[{label, score}]`, best first, as the Hugging Face pipeline of that name answers; a list of pictures → a list of these.
 * Graph: `pixel_values` float32[N,3,H,W] → `logits` float32[N,C].
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of an image classifier
 */
export const createImageClassification = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `image-classification settings: ${v.summarize(parsed.issues)}`);
  const { output } = parsed;
  return singlePass(steps(output, parseImagePreprocessing(output.preprocessing), graphNames(signature)));
};
