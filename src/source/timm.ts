import * as v from 'valibot';
import { refuse } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { readLabels, type Settings } from './settings-file.ts';

/**
 * Settings that timm writes into config.json. Older versions of timm wrote those of `pretrained_cfg` beside the architecture.
 * https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/_hub.py
 */
export const findTimmSettings = ({ pretrained_cfg: own, architecture, ...rest }: Settings): Settings | undefined => {
  if (isObject(own)) return own;
  return typeof architecture === 'string' && Array.isArray(rest.input_size) ? rest : undefined;
};

/** Numbers of filters in `preprocessor_config.json`. */
const RESAMPLE = { nearest: 0, lanczos: 1, bilinear: 2, bicubic: 3 } as const;

const INTERPOLATIONS = ['nearest', 'lanczos', 'bilinear', 'bicubic'] as const;

const sides = v.pipe(v.number(), v.integer(), v.minValue(1));
const values = v.pipe(v.array(v.number()), v.minLength(1));
/** Null and empty values count as missing in timm. */
const schema = v.object({
  input_size: v.optional(v.tuple([sides, sides, sides], 'expected [channels, height, width]'), [3, 224, 224]),
  interpolation: v.optional(v.picklist(INTERPOLATIONS, `expected ${INTERPOLATIONS.join(', ')}`), 'bicubic'),
  crop_pct: v.optional(v.pipe(v.number(), v.gtValue(0)), 0.875),
  crop_mode: v.optional(v.picklist(['center', 'squash'], 'expected center or squash'), 'center'),
  mean: v.optional(values),
  std: v.optional(values),
});

/**
 * The preprocessing of timm's `transforms_imagenet_eval` as fields of `preprocessor_config.json`.
 * @throws `MODEL_INVALID` for a value that is not served
 */
export const toTimmPreprocessing = (settings: Settings): Settings => {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null && value !== ''));
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const field = String(issue.path?.[0].key);
    return refuse('MODEL_INVALID', `"${field}" in the settings of timm is ${show(given[field])}: ${issue.message}`);
  }
  const { input_size: size, interpolation, crop_pct: part, crop_mode: mode, mean, std } = parsed.output;
  const [, height, width] = size;
  const [scaledHeight, scaledWidth] = [Math.floor(height / part), Math.floor(width / part)];
  const covering =
    scaledHeight === scaledWidth
      ? { shortest_edge: scaledHeight }
      : { min_height: scaledHeight, min_width: scaledWidth };
  return {
    image_processor_type: 'TimmWrapperImageProcessor',
    size: mode === 'squash' ? { height: scaledHeight, width: scaledWidth } : covering,
    resample: RESAMPLE[interpolation],
    crop_size: { height, width },
    ...(mean && { image_mean: mean }),
    ...(std && { image_std: std }),
  };
};

/** A list, or an object by index, as an object by index. */
const byIndex = (names: unknown): unknown => (Array.isArray(names) ? { ...names } : names);

/**
 * The label of each class: the description of its name, or else the name. transformers takes the names alone.
 * @throws `MODEL_INVALID` when a class has no label
 */
export const readTimmLabels = (config: Settings, settings: Settings): string[] => {
  const of = (field: string): unknown => config[field] ?? settings[field];
  const names = of('label_names') ?? of('labels');
  if (names === undefined) return readLabels({ num_labels: of('num_classes') });
  const descriptions = of('label_descriptions');
  const texts = new Map(isObject(descriptions) ? Object.entries(descriptions) : []);
  return readLabels({ id2label: byIndex(names) }).map((name) => {
    const text = texts.get(name);
    return typeof text === 'string' ? text : name;
  });
};
