import { ServingError } from '../../core/errors.ts';
import { formatSpec } from '../../core/tensor.ts';
import type { ResizedImage } from '../../media/image/resize-image.ts';
import type { Corners, Detection, Head } from './detection.ts';
import { suppress } from './suppress.ts';

const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);

/** Corners in pixels of the tensor → corners in pixels of the image, moved to its edge if outside. */
const toCorners = (corners: Corners, { source, geometry }: ResizedImage): Corners => {
  const { canvas, visible, resized } = geometry;
  const x = (value: number): number =>
    clamp(((value - canvas.left + visible.left) / resized.width) * source.width, source.width);
  const y = (value: number): number =>
    clamp(((value - canvas.top + visible.top) / resized.height) * source.height, source.height);
  return [x(corners[0]), y(corners[1]), x(corners[2]), y(corners[3])];
};

/**
 * Boxes whose best class scores more than `threshold`, from `values` float32[4+C,N] of N anchors: the centre x, the centre y, width, height and
 * the score of each class.
 */
const candidates = (values: Float32Array, anchors: number, classes: number, threshold: number): Detection[] => {
  const at = (row: number, anchor: number): number => values[row * anchors + anchor] ?? 0;
  const found: Detection[] = [];
  for (let anchor = 0; anchor < anchors; anchor += 1) {
    let label = 0;
    for (let other = 1; other < classes; other += 1) if (at(4 + other, anchor) > at(4 + label, anchor)) label = other;
    const score = at(4 + label, anchor);
    if (!(score > threshold)) continue;
    const [x, y, halfWidth, halfHeight] = [at(0, anchor), at(1, anchor), at(2, anchor) / 2, at(3, anchor) / 2];
    found.push({ score, label, corners: [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight] });
  }
  return found;
};

/** The defaults of Ultralytics. */
const DEFAULTS = { threshold: 0.25, iou: 0.7 };

/**
 * The head of detectors with one output float32[1,4+C,N], as Ultralytics exports YOLO: boxes of every anchor in pixels of the tensor, with
 * a score for each class.
 */
export const yoloHead = (outputName: string): Head => ({
  defaults: DEFAULTS,

  detect({ [outputName]: output }, image, classes, { threshold, iou = DEFAULTS.iou }) {
    const [, rows = 0, anchors = 0] = output?.shape ?? [];
    if (output?.dtype !== 'float32' || rows !== 4 + classes)
      throw new ServingError(
        'MODEL_INVALID',
        `its output ${outputName} ${output && formatSpec(output)} is not float32[1,${4 + classes},N], 4 sides of a ` +
          `box and a score for each of the ${classes} labels; export YOLO without nms and end2end`,
      );
    return suppress(candidates(output.data, anchors, classes, threshold), iou).map((detection) => ({
      ...detection,
      corners: toCorners(detection.corners, image),
    }));
  },
});
