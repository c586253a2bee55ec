import * as v from 'valibot';
import { type Channel, invalid, toChannels } from './channels.ts';
import type { ImageForm } from './image-input.ts';
import {
  COMMON_DEFAULTS,
  OPTIONAL_STEPS,
  PROCESSORS,
  type ProcessorFields,
  type Size,
  type SizeField,
} from './processors.ts';

/** Pillow's filters by their numbers in `preprocessor_config.json`. */
const RESAMPLE = ['nearest', 'lanczos', 'bilinear', 'bicubic'] as const;
/** A filter; `linear` is OpenCV's, which interpolates between the nearest pixels and skips the others. */
export type Resample = (typeof RESAMPLE)[number] | 'linear';

export type Resize =
  /** Exactly to this size; proportions may change. */
  | Size
  /** The shorter side to `shortest`, or less if the longer side would exceed `longest`; then both cut to a multiple. */
  | {
      readonly shortest: number;
      readonly longest?: number | undefined;
      readonly multipleOf?: number | undefined;
    }
  /** To the largest size within these sides. */
  | { readonly within: Size }
  /** To the smallest size that covers these sides. */
  | { readonly covering: Size }
  /** To the largest size within these sides, in the middle of a grey area of this size. */
  | { readonly letterbox: Size };

/** Steps of the preprocessing of pixels, in this order. */
export interface ImagePreprocessing {
  /** undefined: images keep their size. */
  readonly resize: Resize | undefined;
  readonly resample: Resample;
  /** Size of the centred crop; a smaller image gets a black margin. */
  readonly crop: Size | undefined;
  /** Rounds the start of the crop to the nearest pixel, as torchvision does, and not down. */
  readonly roundsCrop: boolean;
  /** Rescaling, normalisation and the order of channels. */
  readonly channels: readonly Channel[];
  /** Size up to which zeros are added at the right and below. */
  readonly pad: Size | undefined;
}

/** Fields `do_…` of steps without effect on pixels. */
const WITHOUT_EFFECT = new Set(['do_convert_rgb', 'do_reduce_labels', 'do_convert_annotations']);

const side = v.pipe(v.number(), v.integer(), v.minValue(1));
const size = v.union(
  [
    side,
    v.pipe(
      v.strictTuple([side, side]),
      v.transform(([height, width]) => ({ height, width })),
    ),
    v.strictObject({ height: side, width: side }),
    v.strictObject({ shortest_edge: side, longest_edge: v.optional(side) }),
    v.strictObject({ max_height: side, max_width: side }),
    v.strictObject({ min_height: side, min_width: side }),
  ],
  'expected n, [height, width], {height, width}, {shortest_edge}, {shortest_edge, longest_edge} or {max_height, max_width} in whole pixels',
);
const perChannel = v.union(
  [v.number(), v.pipe(v.array(v.number()), v.length(3)), v.pipe(v.array(v.number()), v.length(1))],
  'expected a number, one for each of R, G and B, or one for grey',
);
const fraction = v.pipe(v.number(), v.gtValue(0));
const fieldsSchema = v.object({
  do_resize: v.boolean(),
  size: v.optional(size),
  max_size: v.optional(side),
  resample: v.picklist([0, 1, 2, 3], 'expected 0 (nearest), 1 (Lanczos), 2 (bilinear) or 3 (bicubic)'),
  do_center_crop: v.boolean(),
  crop_size: v.optional(size),
  crop_pct: v.optional(fraction),
  do_rescale: v.boolean(),
  rescale_factor: v.number(),
  rescale_offset: v.boolean(),
  do_normalize: v.boolean(),
  image_mean: perChannel,
  image_std: perChannel,
  include_top: v.boolean(),
  do_flip_channel_order: v.boolean(),
  rounds_crop: v.boolean(),
  do_pad: v.boolean(),
  pad_size: v.optional(size),
  data_format: v.optional(v.picklist(['channels_first', 'channels_last'])),
});

/** Key of the processor in `PROCESSORS`: its name without `ImageProcessor`, `ImageProcessorFast` or `FeatureExtractor`. */
export const processorName = (file: Readonly<Record<string, unknown>>): string | undefined => {
  const type = file.image_processor_type ?? file.feature_extractor_type;
  return type == null ? undefined : String(type).replace(/(ImageProcessor|ImageProcessorFast|FeatureExtractor)$/, '');
};

/** @throws `MODEL_INVALID` for a processor that is not in `PROCESSORS` */
const findProcessor = (file: Record<string, unknown>): (typeof PROCESSORS)[string] => {
  const name = processorName(file);
  if (name === undefined) return { defaults: {} };
  const processor = Object.hasOwn(PROCESSORS, name) ? PROCESSORS[name] : undefined;
  if (processor !== undefined) return processor;
  const type = file.image_processor_type ?? file.feature_extractor_type;
  const known = Object.keys(PROCESSORS).map((name) => `${name}ImageProcessor`);
  throw invalid(
    `"image_processor_type" is ${JSON.stringify(type)}, known are ${known.join(', ')}; a model with the steps of one of these may name it`,
  );
};

/** @throws `MODEL_INVALID` for a step that is not done here */
const assertEveryStepKnown = (file: Record<string, unknown>): void => {
  for (const [field, value] of Object.entries(file)) {
    const step = field === 'size_divisor' ? value !== undefined : field.startsWith('do_') && value === true;
    if (step && !(field in fieldsSchema.entries) && !WITHOUT_EFFECT.has(field))
      throw invalid(
        `"${field}" is ${JSON.stringify(value)}, a step that is not done here; preprocess in the graph or leave it out`,
      );
  }
};

/** Replaces a bare number by a size like the processor's default: both sides, or the shorter side, which `max_size` bounds in older files. */
const spellOut = (
  value: v.InferOutput<typeof size> | undefined,
  fallback?: SizeField,
  longest?: number,
): SizeField | undefined => {
  if (typeof value !== 'number') return value;
  return fallback !== undefined && 'shortest_edge' in fallback
    ? { shortest_edge: value, longest_edge: longest ?? fallback.longest_edge }
    : { height: value, width: value };
};

/** A field that is `null`: its step is not done, and any other field has its default. */
const nullField = (field: string): [string, unknown][] => (field.startsWith('do_') ? [[field, false]] : []);

/** The fields of the file without steps that its processor does not have. */
const withOwnFields = (file: Record<string, unknown>, defaults: Partial<ProcessorFields>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(file).filter(([field]) => !OPTIONAL_STEPS.includes(field) || Object.hasOwn(defaults, field)),
  );

/** Reads the fields of the file, with the defaults of its processor. @throws `MODEL_INVALID` */
const readFields = (json: unknown): ProcessorFields => {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw invalid(`received ${JSON.stringify(json)}, expected an object`);
  const given: Record<string, unknown> = Object.fromEntries(
    Object.entries(json).flatMap(([field, value]) => (value === null ? nullField(field) : [[field, value]])),
  );
  assertEveryStepKnown(given);
  const { defaults, rewrite } = findProcessor(given);
  const file = processorName(given) === undefined ? given : withOwnFields(given, defaults);
  const parsed = v.safeParse(fieldsSchema, { ...COMMON_DEFAULTS, ...defaults, ...file });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const field = String(issue.path?.[0].key);
    throw invalid(`"${field}" is ${JSON.stringify(file[field])}: ${issue.message}`);
  }
  const { output } = parsed;
  const fields = {
    ...output,
    size: spellOut(output.size, defaults.size, output.max_size),
    crop_size: spellOut(output.crop_size),
    pad_size: spellOut(output.pad_size),
  };
  return { ...fields, ...rewrite?.(fields) };
};

/** @throws `MODEL_INVALID` for a size without both sides */
const toSize = (field: string, value: SizeField | undefined): Size => {
  if (value !== undefined && 'height' in value) return { width: value.width, height: value.height };
  throw invalid(`"${field}" is ${JSON.stringify(value)}, expected n or {height, width}`);
};

const toResize = ({ size: value }: ProcessorFields): Resize => {
  if (value === undefined || 'height' in value) return toSize('size', value);
  if ('letterbox' in value) return { letterbox: value.letterbox };
  if ('min_height' in value) return { covering: { width: value.min_width, height: value.min_height } };
  if ('max_height' in value) return { within: { width: value.max_width, height: value.max_height } };
  return { shortest: value.shortest_edge, longest: value.longest_edge, multipleOf: value.multiple_of };
};

/** Images as nearly every graph takes them. */
const RGB_FLOATS: Pick<ImageForm, 'dtype' | 'channels'> = { dtype: 'float32', channels: 3 };

/**
 * Reads `preprocessor_config.json` like the image processor of `transformers` that it names.
 * All images are converted to RGB, as in the pipelines of `transformers`, and then to grey for a graph of one channel. A graph that takes
 * integers gets the levels as they are: rescaling and normalisation would make fractions of them.
 *
 * @throws `MODEL_INVALID`, naming field and value, for a step or a value that is not supported here
 */
export const parseImagePreprocessing = (json: unknown, form = RGB_FLOATS): ImagePreprocessing => {
  const fields = readFields(json);
  const resize = fields.do_resize ? toResize(fields) : undefined;
  return {
    resize,
    resample: resize !== undefined && 'letterbox' in resize ? 'linear' : RESAMPLE[fields.resample],
    crop: fields.do_center_crop ? toSize('crop_size', fields.crop_size) : undefined,
    roundsCrop: fields.rounds_crop,
    channels: toChannels(fields, form),
    pad: fields.do_pad && fields.pad_size !== undefined ? toSize('pad_size', fields.pad_size) : undefined,
  };
};
