/** An image's size in whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Values of `size` and `crop_size` in `preprocessor_config.json`, except for bare numbers; `multiple_of` and `letterbox` come from `rewrite`. */
export type SizeField =
  | { height: number; width: number }
  | { shortest_edge: number; longest_edge?: number | undefined; multiple_of?: number }
  | { max_height: number; max_width: number }
  | { min_height: number; min_width: number }
  | { letterbox: { height: number; width: number } };

/** Fields of `preprocessor_config.json` that change pixels, by their names in the file. */
export interface ProcessorFields {
  do_resize: boolean;
  size?: SizeField | undefined;
  resample: 0 | 1 | 2 | 3;
  do_center_crop: boolean;
  crop_size?: SizeField | undefined;
  crop_pct?: number | undefined;
  do_rescale: boolean;
  rescale_factor: number;
  rescale_offset: boolean;
  do_normalize: boolean;
  image_mean: number | number[];
  image_std: number | number[];
  include_top: boolean;
  do_flip_channel_order: boolean;
  rounds_crop: boolean;
  do_pad: boolean;
  pad_size?: SizeField | undefined;
}

interface Processor {
  /** Values of fields that are missing in the file. A step of `OPTIONAL_STEPS` that is not among them has no effect in this processor. */
  readonly defaults: Partial<ProcessorFields>;
  /** Expresses steps of this processor alone by the fields of all processors. */
  readonly rewrite?: (fields: ProcessorFields) => Partial<ProcessorFields>;
}

const square = (side: number): { height: number; width: number } => ({ height: side, width: side });
const CENTER_CROP_224 = { do_center_crop: true, crop_size: square(224) };
const IMAGENET = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const CLIP = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};

/** Defaults of every processor; used alone when the file names none. */
export const COMMON_DEFAULTS: ProcessorFields = {
  do_resize: true,
  resample: 2,
  do_center_crop: false,
  do_rescale: true,
  rescale_factor: 1 / 255,
  rescale_offset: false,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  include_top: false,
  do_flip_channel_order: false,
  rounds_crop: false,
  do_pad: false,
};

/** Steps that only some processors have; the other ones pass over these fields. */
export const OPTIONAL_STEPS = ['do_center_crop', 'do_flip_channel_order', 'do_pad', 'rescale_offset', 'include_top'];

/** Size of images in detectors for COCO. */
const DETR_SIZE = { shortest_edge: 800, longest_edge: 1333 };

/** Side from which on ConvNeXT warps the whole image to a square; it crops smaller images. */
const CONVNEXT_WARP_SIDE = 384;

/**
 * Processors of `transformers` 4.57 for image classifiers and object detectors, and Ultralytics' `LetterBox`.
 * Keys are class names without `ImageProcessor`, `ImageProcessorFast` or `FeatureExtractor`.
 */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  Beit: { defaults: { size: square(256), resample: 3, ...CENTER_CROP_224 } },
  Bit: { defaults: { size: { shortest_edge: 224 }, resample: 3, ...CENTER_CROP_224, ...CLIP } },
  CLIP: { defaults: { size: { shortest_edge: 224 }, resample: 3, ...CENTER_CROP_224, ...CLIP } },
  ConditionalDetr: { defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET } },
  ConvNext: {
    defaults: { size: { shortest_edge: 384 }, crop_pct: 224 / 256 },
    rewrite({ do_resize, size, crop_pct = 1 }) {
      if (size === undefined || !('shortest_edge' in size)) return {};
      const side = size.shortest_edge;
      if (side >= CONVNEXT_WARP_SIDE) return { size: square(side) };
      return {
        size: { shortest_edge: Math.trunc(side / crop_pct) },
        do_center_crop: do_resize,
        crop_size: square(side),
      };
    },
  },
  DeformableDetr: { defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET } },
  DeiT: { defaults: { size: square(256), resample: 3, ...CENTER_CROP_224 } },
  Detr: { defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET } },
  EfficientNet: {
    defaults: {
      ...{ size: square(346), resample: 0, do_center_crop: false, crop_size: square(289) },
      ...{ rescale_offset: false, include_top: true },
    },
  },
  LetterBox: {
    defaults: { size: square(640), do_normalize: false },
    rewrite: ({ size }) => (size !== undefined && 'height' in size ? { size: { letterbox: size } } : {}),
  },
  Levit: {
    defaults: { size: { shortest_edge: 224 }, resample: 3, ...CENTER_CROP_224, ...IMAGENET },
    rewrite: ({ size }) =>
      size !== undefined && 'shortest_edge' in size
        ? { size: { shortest_edge: Math.trunc((256 / 224) * size.shortest_edge) } }
        : {},
  },
  MobileNetV1: { defaults: { size: { shortest_edge: 256 }, ...CENTER_CROP_224 } },
  MobileNetV2: { defaults: { size: { shortest_edge: 256 }, ...CENTER_CROP_224 } },
  MobileViT: {
    defaults: {
      size: { shortest_edge: 224 },
      do_center_crop: true,
      crop_size: square(256),
      do_normalize: false,
      do_flip_channel_order: true,
    },
  },
  PoolFormer: {
    defaults: { size: { shortest_edge: 224 }, crop_pct: 0.9, resample: 3, ...CENTER_CROP_224, ...IMAGENET },
    rewrite({ size, crop_pct }) {
      if (size === undefined || crop_pct === undefined) return {};
      const enlarge = (side: number): number => Math.trunc(side / crop_pct);
      if ('shortest_edge' in size) return { size: { shortest_edge: enlarge(size.shortest_edge) } };
      if (!('height' in size)) return {};
      const { height, width } = size;
      if (height === width) return { size: { shortest_edge: enlarge(height) } };
      return { size: { height: enlarge(height), width: enlarge(width) } };
    },
  },
  Pvt: { defaults: { size: square(224), ...IMAGENET } },
  RTDetr: { defaults: { size: square(640), do_normalize: false, do_pad: false, ...IMAGENET } },
  Segformer: { defaults: { size: square(512), ...IMAGENET } },
  Siglip: { defaults: { size: square(224), resample: 3 } },
  TimmWrapper: { defaults: { resample: 3, do_center_crop: true, rounds_crop: true, ...IMAGENET } },
  ViT: { defaults: { size: square(224) } },
  Yolos: {
    defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET },
    rewrite: ({ size }) =>
      size !== undefined && 'shortest_edge' in size ? { size: { ...size, multiple_of: 16 } } : {},
  },
};
