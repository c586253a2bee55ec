import { ServingError } from '../../core/errors.ts';
import type { ImageForm } from './image-input.ts';
import type { ProcessorFields } from './processors.ts';

/** A channel of the tensor. */
export interface Channel {
  /** Index of its channel in RGB pixels, or all of them in grey. */
  readonly source: number | 'grey';
  /** Value for each of the 256 levels. */
  readonly levels: Float32Array;
}

/** The refusal of a file `preprocessor_config.json`. */
export const invalid = (message: string): ServingError =>
  new ServingError('MODEL_INVALID', `preprocessor_config.json: ${message}`);

/** The value of a field for one of `count` channels. @throws `MODEL_INVALID` when it has values for another number of channels */
const valueFor = (
  fields: ProcessorFields,
  field: 'image_mean' | 'image_std',
  channel: number,
  count: number,
): number => {
  const value = fields[field];
  if (!Array.isArray(value)) return value;
  const [first = 0] = value;
  if (value.length === count) return value[channel] ?? first;
  if (value.every((each) => each === first)) return first;
  throw invalid(`"${field}" is ${JSON.stringify(value)}, the graph takes ${count === 1 ? 'grey images' : 'RGB'}`);
};

/** Computes with the steps and the float32 arithmetic of the reference, so that equal pixels give equal values. */
const toLevels = (fields: ProcessorFields, channel: number, count: number): Float32Array => {
  const { fround } = Math;
  const isScaled = fields.do_normalize || fields.include_top;
  const mean = fields.do_normalize ? fround(valueFor(fields, 'image_mean', channel, count)) : 0;
  const std = isScaled ? fround(valueFor(fields, 'image_std', channel, count)) : 1;
  return Float32Array.from({ length: 256 }, (_, level) => {
    let value = fields.do_rescale ? fround(level * fields.rescale_factor) : level;
    if (fields.do_rescale && fields.rescale_offset) value = fround(value - 1);
    if (fields.do_normalize) value = fround(fround(value - mean) / std);
    return fields.include_top ? value / std : value;
  });
};

/** The levels of pixels as they are. */
const SAME_LEVELS = Float32Array.from({ length: 256 }, (_, level) => level);

/**
 * The channels of a tensor: in the order that the file says, or grey, with its rescaling and normalisation. A graph that takes integers gets the
 * levels as they are.
 * @throws `MODEL_INVALID` when the file has values for another number of channels
 */
export const toChannels = (
  fields: ProcessorFields,
  { dtype, channels: count }: Pick<ImageForm, 'dtype' | 'channels'>,
): Channel[] => {
  const levelsOf = (channel: number): Float32Array =>
    dtype === 'uint8' ? SAME_LEVELS : toLevels(fields, channel, count);
  if (count === 1) return [{ source: 'grey', levels: levelsOf(0) }];
  const sources = fields.do_flip_channel_order ? [2, 1, 0] : [0, 1, 2];
  return sources.map((source) => ({ source, levels: levelsOf(source) }));
};
