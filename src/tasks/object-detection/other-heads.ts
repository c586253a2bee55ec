/** Names models that find more than boxes, or give them otherwise, in the refusals of object-detection. */

const REMEDY =
  'export a model of the task detect, such as: yolo export model=yolo11n.pt format=onnx (--task tensor serves the tensors as they are)';

/** Numbers of the masks of Ultralytics for each box. */
const MASK_NUMBERS = 32;
const KEYPOINT_NUMBERS = 3;

/** The kind of a model of Ultralytics by its numbers beyond those of a detector. */
const kindOf = (more: number): string | undefined => {
  if (more === 1) return 'a model of oriented boxes has, an angle';
  if (more === MASK_NUMBERS) return 'a segmentation model has, coefficients of its masks';
  if (more <= 0 || more % KEYPOINT_NUMBERS !== 0) return undefined;
  return `a pose model has, ${more / KEYPOINT_NUMBERS} keypoints of ${KEYPOINT_NUMBERS} numbers`;
};

/** The end of a refusal of an output [1,`rows`,`columns`] that is no YOLO of `classes` classes, if it looks like another model. */
export const explainOther = (rows: number, columns: number, classes: number): string => {
  const isList = rows > columns; // of boxes
  if (isList && columns === 5 + classes)
    return '; it is a YOLOv5, whose current exporter is that of Ultralytics: export it with that';
  if (isList && columns === 4 + classes)
    return '; it is an RT-DETR of Ultralytics, which is served from transformers: export it with Optimum';
  const more = isList ? columns - 6 : rows - 4 - classes;
  const kind = kindOf(more);
  return kind === undefined ? '' : `; it has ${more} more, as ${kind}: ${REMEDY}`;
};

/** The refusal of a graph that gives masks beside boxes. */
export const refusedMasks = (outputs: string): string =>
  `the graph gives ${outputs}, as a segmentation model does, whose masks are not served: ${REMEDY}`;

/** The refusal of a graph that Ultralytics exported for another task than `detect`. */
export const refusedTask = (task: string): string =>
  `Ultralytics exported it for the task ${task}, served is detect: ${REMEDY}`;
