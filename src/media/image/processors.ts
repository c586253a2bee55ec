/** An image's size in whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `size` and `crop_size` of `preprocessor_config.json`, once a bare number has been spelt out; the last two as processors rewrite it. */
export type SizeField =
  | { height: number; width: number }
  | { shortest_edge: number; longest_edge?: number | undefined; multiple_of?: number }
  | { max_height: number; max_width: number }
  | { letterbox: { height: number; width: number } };

/** The fields of `preprocessor_config.json` that change pixels, by their names in the file. */
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
  do_pad: boolean;
  pad_size?: SizeField | undefined;
}

interface Processor {
  /** What the fields are when the file does not name them. */
  readonly defaults: Partial<ProcessorFields>;
  /** Says what is particular to the processor in the fields that all have. */
  readonly rewrite?: (fields: ProcessorFields) => Partial<ProcessorFields>;
}

const square = (side: number): { height: number; width: number } => ({ height: side, width: side });
const CENTER_CROP_224 = { do_center_crop: true, crop_size: square(224) };
const IMAGENET = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const CLIP = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};

/** What a processor has that does not say otherwise, and a file that names no processor. */
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
  do_pad: false,
};

/** As large as COCO's detectors take pictures, unless they are long. */
const DETR_SIZE = { shortest_edge: 800, longest_edge: 1333 };

/** ConvNeXT crops a fraction of smaller pictures, and from this side on squeezes the whole picture. */
const CONVNEXT_WARP_SIDE = 384;

/**
 * The processors of `transformers` 4.57 that image classifiers and object detectors use, and Ultralytics' `LetterBox`.
 * Keys are the class names without `ImageProcessor`, `ImageProcessorFast` or `FeatureExtractor`.
 */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  Beit: { defaults: { size: square(256), resample: 3, ...CENTER_CROP_224 } },
  Bit: { defaults: { size: { shortest_edge: 224 }, resample: 3, ...CENTER_CROP_224, ...CLIP } },
  CLIP: { defaults: { size: { shortest_edge: 224 }, resample: 3, ...CENTER_CROP_224, ...CLIP } },
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
  ConditionalDetr: { defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET } },
  DeformableDetr: { defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET } },
  DeiT: { defaults: { size: square(256), resample: 3, ...CENTER_CROP_224 } },
  Detr: { defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET } },
  EfficientNet: { defaults: { size: square(346), resample: 0, crop_size: square(289), include_top: true } },
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
  RTDetr: { defaults: { size: square(640), do_normalize: false, ...IMAGENET } },
  Segformer: { defaults: { size: square(512), ...IMAGENET } },
  Siglip: { defaults: { size: square(224), resample: 3 } },
  ViT: { defaults: { size: square(224) } },
  Yolos: {
    defaults: { size: DETR_SIZE, do_pad: true, ...IMAGENET },
    rewrite: ({ size }) =>
      size !== undefined && 'shortest_edge' in size ? { size: { ...size, multiple_of: 16 } } : {},
  },
};
