import { refuse } from '../../core/errors.ts';
import { formatSpec } from '../../core/tensor.ts';
import type { ResizedImage } from '../../media/image/resize-image.ts';
import type { Corners, Detection, Head } from './detection.ts';
import { explainOther } from './other-heads.ts';
import { suppress } from './suppress.ts';

const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);

/** Corners in pixels of the tensor → corners in pixels of the image, moved to its edge if outside. */
export const toCorners = (corners: Corners, { source, geometry }: ResizedImage): Corners => {
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
export const DEFAULTS = { threshold: 0.25, iou: 0.7 };

/**
 * The head of detectors with one output float32[1,4+C,N], as Ultralytics exports YOLO: boxes of every anchor in pixels of the tensor, with
 * a score for each class.
 */
export const yoloHead = (outputName: string): Head => ({
  defaults: DEFAULTS,

  detect({ [outputName]: output }, image, classes, { threshold, iou = DEFAULTS.iou }) {
    const [, rows = 0, anchors = 0] = output?.shape ?? [];
    if (output?.dtype !== 'float32' || rows !== 4 + classes)
      return refuse(
        'MODEL_INVALID',
        `its output ${outputName} ${output && formatSpec(output)} is not float32[1,${4 + classes},N], 4 sides of a ` +
          `box and a score for each of the ${classes} labels${explainOther(rows, anchors, classes)}`,
      );
    return suppress(candidates(output.data, anchors, classes, threshold), iou).map((detection) => ({
      ...detection,
      corners: toCorners(detection.corners, image),
    }));
  },
});

/** The places of score and label in the numbers of a box, whose corners begin at `corners`. */
interface Columns {
  readonly corners: number;
  readonly score: number;
  readonly label: number;
}

const BEHIND_CORNERS: Columns = { corners: 0, score: 4, label: 5 };
/** Behind the number of the image: YOLOv7 has the label first, YOLO-NAS the score. */
const LABEL_FIRST: Columns = { corners: 1, score: 6, label: 5 };
const SCORE_FIRST: Columns = { corners: 1, score: 5, label: 6 };

/** The boxes that score more than `threshold`, in the order of the graph. @throws `MODEL_INVALID` for a class without a label */
const readBoxes = (
  values: Float32Array,
  width: number,
  { corners, score, label }: Columns,
  classes: number,
  threshold: number,
): Detection[] => {
  const found: Detection[] = [];
  for (let at = 0; at + width <= values.length; at += width) {
    const value = (column: number): number => values[at + column] ?? 0;
    if (!(value(score) > threshold)) continue;
    if (!Number.isInteger(value(label)) || value(label) < 0 || value(label) >= classes)
      refuse('MODEL_INVALID', `its output has a box of class ${value(label)}, and there are ${classes} labels`);
    const box: Corners = [value(corners), value(corners + 1), value(corners + 2), value(corners + 3)];
    found.push({ score: value(score), label: value(label), corners: box });
  }
  return found;
};

/** The order of score and label in rows of seven numbers: labels are whole numbers, scores hardly ever. */
const findColumns = (values: Float32Array): Columns => {
  for (let at = LABEL_FIRST.label; at < values.length; at += 7)
    if (!Number.isInteger(values[at] ?? 0)) return SCORE_FIRST;
  return LABEL_FIRST;
};

/**
 * The head of detectors that suppress overlapping boxes themselves, or need not. Their output float32[1,K,6] has the corners in pixels of the
 * tensor, the score and the class of K boxes (YOLOv10, YOLO26, Ultralytics with `nms`). In float32[K,7] the number of the image goes before
 * (YOLOv7, YOLO-NAS). Boxes that are not used score 0.
 */
export const finishedHead = (outputName: string, oneByOne: boolean): Head => ({
  defaults: { threshold: DEFAULTS.threshold },
  oneByOne,

  detect({ [outputName]: output }, image, classes, { threshold }) {
    const width = output?.shape.at(-1) ?? 0;
    if (output?.dtype !== 'float32' || (width !== 6 && width !== 7))
      return refuse(
        'MODEL_INVALID',
        `its output ${outputName} ${output && formatSpec(output)} is neither float32[1,K,6] nor float32[K,7]`,
      );
    const columns = width === 6 ? BEHIND_CORNERS : findColumns(output.data);
    return readBoxes(output.data, width, columns, classes, threshold).map((detection) => ({
      ...detection,
      corners: toCorners(detection.corners, image),
    }));
  },
});
