import { refuse } from '../core/errors.ts';
import { toGeometry } from '../media/image/geometry.ts';
import { findImageInput } from '../media/image/image-input.ts';
import { parseImagePreprocessing } from '../media/image/preprocessing.ts';
import { graphOf } from './graph-of.ts';
import type { TaskModel } from './task.ts';

export const PREPROCESSING = 'preprocessor_config.json';

/** Images upright and wide, one of which shows any size that depends on the image. */
const SIZES = [
  { width: 640, height: 480 },
  { width: 480, height: 640 },
];

/** Compares the size of preprocessed images with the sides that the graph fixes. @throws `MODEL_INVALID` for images that do not fit */
export const assertImagesFit = ({ graphs }: TaskModel, settings: unknown): void => {
  const input = findImageInput(graphOf(graphs).signature);
  if (input === undefined) return;
  const preprocessing = parseImagePreprocessing(settings, input);
  for (const size of SIZES) {
    const { output } = toGeometry(preprocessing, size);
    const { height = output.height, width = output.width } = input;
    if (output.height !== height || output.width !== width)
      refuse(
        'MODEL_INVALID',
        `${PREPROCESSING} makes an image of ${size.width}×${size.height} pixels (width × height) ${output.width}×${output.height}, ` +
          `the graph takes ${width}×${height}: set "size" to {"height": ${height}, "width": ${width}}, or "do_center_crop" and "crop_size"`,
      );
  }
};
