import { createRequire } from 'node:module';
import type Sharp from 'sharp';
import { ServingError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { ImagePreprocessing } from './preprocessing.ts';

/** First version by the lead, to be replaced by the full one: encoded picture → float32[1,3,H,W]. */
export const preprocessImage = async (image: Uint8Array, plan: ImagePreprocessing): Promise<Tensor<'float32'>> => {
  const sharp = createRequire(import.meta.url)('sharp') as typeof Sharp;
  const { width, height, mean, std } = plan;
  const pixels = await sharp(image)
    .rotate()
    .removeAlpha()
    .toColourspace('srgb')
    .resize(width, height, { fit: 'cover', kernel: 'cubic' })
    .raw()
    .toBuffer()
    .catch((error: unknown) => {
      throw ServingError.from(error, 'INVALID_INPUT');
    });
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i += 1)
    for (let c = 0; c < 3; c += 1)
      data[c * plane + i] = ((pixels[3 * i + c] ?? 0) / 255 - (mean[c] ?? 0)) / (std[c] ?? 1);
  return { dtype: 'float32', shape: [1, 3, height, width], data };
};
