import type { Signature, TensorSpec } from '../../core/tensor.ts';

/** The kind of tensor that a graph takes for images. */
export interface ImageForm {
  /** `uint8` holds levels from 0 to 255 as they are. */
  readonly dtype: 'float32' | 'uint8';
  /** 1 is grey. */
  readonly channels: 1 | 3;
  /** True for [N,H,W,C], as Keras and TFLite have it, false for [N,C,H,W]. */
  readonly isChannelsLast: boolean;
}

/** The input of a graph for images. */
export interface ImageInput extends ImageForm {
  readonly name: string;
  /** Sides that the graph fixes. */
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** The inputs of graphs that are served, for messages. */
export const IMAGE_INPUTS = 'images float32 or uint8, [N,C,H,W] or [N,H,W,C] with 3 channels or 1';

const isCount = (size: number | string | undefined): size is 1 | 3 => size === 1 || size === 3;
const fixed = (side: number | string | undefined): number | undefined => (typeof side === 'number' ? side : undefined);

const toInput = ({ name, dtype, shape }: TensorSpec): ImageInput | undefined => {
  if ((dtype !== 'float32' && dtype !== 'uint8') || shape.length !== 4) return undefined;
  const [, second, third, last] = shape;
  const isChannelsLast = !isCount(second) && isCount(last);
  const channels = isChannelsLast ? last : second;
  const [height, width] = isChannelsLast ? [second, third] : [third, last];
  if (typeof channels === 'number' && !isCount(channels)) return undefined;
  const form: ImageForm = { dtype, channels: isCount(channels) ? channels : 3, isChannelsLast };
  return { ...form, name, height: fixed(height), width: fixed(width) };
};

/** The first input of a graph that images fit into. A variable number of channels is three. */
export const findImageInput = ({ inputs }: Signature): ImageInput | undefined => {
  for (const spec of inputs) {
    const input = toInput(spec);
    if (input !== undefined) return input;
  }
  return undefined;
};
