import type { Deadline } from '../../core/deadline.ts';
import type { Features } from '../../core/features.ts';
import { openImage } from './decode.ts';
import type { Images } from './input.ts';

/** Pixels of the longer side at which brightness and contrast are measured. */
const SIDE = 64;

/** Weights of red, green and blue in the luma of ITU-R BT.601. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** Width and height in pixels; brightness and contrast, 0 to 1: mean and standard deviation of the luma of a small copy. */
const imageFeatures = async (bytes: Uint8Array, deadline: Deadline): Promise<Features> => {
  const image = await openImage(bytes, deadline);
  const { width, height } = image;
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const { data } = await image.decode({ size, method: 'bilinear' });
  let [sum, squares] = [0, 0];
  const pixels = data.length / LUMA.length;
  for (let at = 0; at < data.length; at += LUMA.length) {
    const luma = LUMA.reduce((total, weight, channel) => total + weight * (data[at + channel] ?? 0), 0) / 255;
    sum += luma;
    squares += luma ** 2;
  }
  const brightness = sum / pixels;
  return { width, height, brightness, contrast: Math.sqrt(Math.max(0, squares / pixels - brightness ** 2)) };
};

/** See `imageFeatures`: one image after the other, so that two are never decoded side by side. */
export const describeImages = async ({ files }: Images, deadline: Deadline): Promise<Features[]> => {
  const features: Features[] = [];
  for (const file of files) features.push(await imageFeatures(file, deadline));
  return features;
};
