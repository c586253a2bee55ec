import type { Tensors } from '../../core/tensor.ts';
import type { ResizedImage } from '../../media/image/resize-image.ts';

/** Corners in pixels of the picture as it is seen, from its upper left. */
export type Corners = readonly [xmin: number, ymin: number, xmax: number, ymax: number];

/** What a detector saw. */
export interface Detection {
  readonly score: number;
  /** Index of the class. */
  readonly label: number;
  readonly corners: Corners;
}

export interface DetectionOptions {
  /** Only what scores more is detected. */
  readonly threshold: number;
  /** Of two boxes of a class that overlap by more than this (intersection over union), only the better one is answered; for detectors that leave it to us. */
  readonly iou?: number;
}

/** What is made of the outputs of one kind of detector. */
export interface Head {
  /** The parameters that the kind takes, and what they are when the caller does not say. */
  readonly defaults: DetectionOptions;
  /**
   * What is in one picture, from outputs with a leading dimension of 1.
   * @throws `MODEL_INVALID` when the outputs are not those of a detector of that many `classes`
   */
  detect(outputs: Tensors, image: ResizedImage, classes: number, options: DetectionOptions): Detection[];
}
