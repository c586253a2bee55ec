import type { Tensors } from '../../core/tensor.ts';
import type { ResizedImage } from '../../media/image/resize-image.ts';

/** Corners in pixels of the upright image, from its upper left. */
export type Corners = readonly [xmin: number, ymin: number, xmax: number, ymax: number];

/** An object that a detector has found. */
export interface Detection {
  readonly score: number;
  /** Index of the class. */
  readonly label: number;
  readonly corners: Corners;
}

export interface DetectionOptions {
  /** Detections score more. */
  readonly threshold: number;
  /**
   * Two boxes of a class may overlap by at most this much (intersection over union), or only the better one is answered. Left out by detectors
   * that suppress such boxes in the graph.
   */
  readonly iou?: number;
}

/** Reads the outputs of one kind of detector. */
export interface Head {
  /** The parameters of this kind of detector, with their defaults. */
  readonly defaults: DetectionOptions;
  /** True when the outputs do not tell the images of a run apart. */
  readonly oneByOne?: boolean;
  /**
   * The objects in one image, from outputs with a first dimension of 1.
   * @throws `MODEL_INVALID` when the outputs do not fit a detector of `classes` classes
   */
  detect(outputs: Tensors, image: ResizedImage, classes: number, options: DetectionOptions): Detection[];
}
