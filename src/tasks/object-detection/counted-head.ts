import { refuse } from '../../core/errors.ts';
import { formatSpec, type Tensor, type TensorSpec } from '../../core/tensor.ts';
import type { Corners, Detection, Head } from './detection.ts';
import { DEFAULTS, toCorners } from './yolo-head.ts';

/** The names of outputs with `count` finished boxes; the rows behind them are padding. */
interface CountedOutputs {
  /** int64[N,1] or int32[N,1]. */
  readonly count: string;
  /** float32[N,K,4]: corners in pixels of the tensor. */
  readonly boxes: string;
  /** float32[N,K]. */
  readonly scores: string;
  /** int64[N,K] or int32[N,K]. */
  readonly classes: string;
}

const isInteger = ({ dtype }: { readonly dtype: string }): boolean => dtype === 'int64' || dtype === 'int32';

/** The four outputs of YOLO-NAS with its boxes for each image, and of TensorRT's EfficientNMS; undefined for any others. */
export const findCountedOutputs = (outputs: readonly TensorSpec[]): CountedOutputs | undefined => {
  const isOne = ({ shape }: TensorSpec): boolean => shape.length === 2 && shape[1] === 1;
  const floats = outputs.filter(({ dtype }) => dtype === 'float32');
  const count = outputs.find((output) => isInteger(output) && isOne(output));
  const classes = outputs.find((output) => isInteger(output) && output !== count && output.shape.length === 2);
  const boxes = floats.find(({ shape }) => shape.length === 3 && shape[2] === 4);
  const scores = floats.find(({ shape }) => shape.length === 2);
  if (outputs.length !== 4 || !count || !classes || !boxes || !scores) return undefined;
  return { count: count.name, boxes: boxes.name, scores: scores.name, classes: classes.name };
};

/** The integer at `index`; undefined for another type of numbers, and behind the end. */
const integerAt = (output: Tensor | undefined, index: number): number | undefined => {
  if (output?.dtype !== 'int64' && output?.dtype !== 'int32') return undefined;
  const value = output.data[index];
  return value === undefined ? undefined : Number(value);
};

/** The head of detectors that suppress overlapping boxes themselves, and give the number of those that are left. */
export const countedHead = (names: CountedOutputs): Head => ({
  defaults: { threshold: DEFAULTS.threshold },

  detect({ [names.boxes]: boxes, [names.scores]: scores, ...others }, image, classes, { threshold }) {
    const count = integerAt(others[names.count], 0) ?? -1;
    if (boxes?.dtype !== 'float32' || scores?.dtype !== 'float32' || count < 0 || count > scores.data.length)
      return refuse(
        'MODEL_INVALID',
        `its output ${names.count} counts ${count} boxes, expected 0 to the ${scores?.data.length} of ` +
          `${names.scores} ${scores && formatSpec(scores)}`,
      );
    const found: Detection[] = [];
    for (let index = 0; index < count; index += 1) {
      const score = scores.data[index] ?? 0;
      if (!(score > threshold)) continue;
      const label = integerAt(others[names.classes], index) ?? -1;
      if (label < 0 || label >= classes)
        refuse('MODEL_INVALID', `its output has a box of class ${label}, and there are ${classes} labels`);
      const side = (offset: number): number => boxes.data[index * 4 + offset] ?? 0;
      const corners: Corners = [side(0), side(1), side(2), side(3)];
      found.push({ score, label, corners: toCorners(corners, image) });
    }
    return found;
  },
});
