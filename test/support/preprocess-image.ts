import { type Deadline, NEVER } from '../../src/core/deadline.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { toPixelValues } from '../../src/media/image/pixel-values.ts';
import type { ImagePreprocessing } from '../../src/media/image/preprocessing.ts';
import { resizeImage } from '../../src/media/image/resize-image.ts';

/** An encoded picture → `pixel_values` float32[1,3,H,W], as a classifier takes it. */
export const preprocessImage = async (
  bytes: Uint8Array,
  plan: ImagePreprocessing,
  deadline: Deadline = NEVER,
): Promise<Tensor<'float32'>> => {
  const { pixels, geometry } = await resizeImage(bytes, plan, deadline);
  return toPixelValues([{ pixels, geometry }], plan.channels);
};
