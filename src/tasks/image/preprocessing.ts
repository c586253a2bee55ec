/** First version by the lead, to be replaced by the full one. */
export interface ImagePreprocessing {
  readonly width: number;
  readonly height: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export const parseImagePreprocessing = (json: unknown): ImagePreprocessing => {
  const config = json as { crop_size?: { width: number; height: number }; image_mean: number[]; image_std: number[] };
  const { crop_size: crop, image_mean: mean, image_std: std } = config;
  return { width: crop?.width ?? 224, height: crop?.height ?? 224, mean, std };
};
