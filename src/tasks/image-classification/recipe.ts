import * as v from 'valibot';
import { jsonValueOf } from '../../core/answer.ts';
import { ZEROS } from '../../core/blank.ts';
import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { BLACK_PIXEL } from '../../media/image/input.ts';
import { hasFile, type ModelSource, readSettingsFile } from '../../source/model-source.ts';
import { readLabels, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { findTimmSettings, readTimmLabels, toTimmPreprocessing } from '../../source/timm.ts';
import { readUltralyticsMetadata, type UltralyticsMetadata } from '../../source/ultralytics.ts';
import { answerOne } from '../answer-one.ts';
import { assertClassCount, countElements, readFunction } from '../classifier-recipe.ts';
import { assertImagesFit, PREPROCESSING } from '../image-recipe.ts';
import { MAX_TOP_K } from '../parameters.ts';
import type { TaskRecipe } from '../recipe.ts';
import type { Task, TaskModel } from '../task.ts';
import type { ImageClassificationSettings } from './settings.ts';

const CONFIG = 'config.json';

/** The preprocessing of Ultralytics for its classifiers: that of torchvision, levels from 0 to 1. An oblong size is not cropped. */
const ultralyticsPreprocessing = ({ imageSize: [height, width] }: UltralyticsMetadata): Settings =>
  toTimmPreprocessing({
    input_size: [3, height, width],
    interpolation: 'bilinear',
    crop_pct: 1,
    crop_mode: height === width ? 'center' : 'squash',
    mean: [0, 0, 0],
    std: [1, 1, 1],
  });

/** `id2label` of config.json goes first, then the names of Ultralytics and of timm. @throws `MODEL_INVALID` when a class has no label */
const labelsOf = (config: Settings, ultralytics: UltralyticsMetadata | undefined): string[] => {
  if (config.id2label !== undefined) return readLabels(config);
  if (ultralytics !== undefined) return [...ultralytics.labels];
  const timm = findTimmSettings(config);
  return timm === undefined ? readLabels(config) : readTimmLabels(config, timm);
};

/** The fields of `preprocessor_config.json`; timm's own settings are in their place, or in config.json, and those of Ultralytics in the graph. */
const readPreprocessing = async (
  source: ModelSource,
  timm: Settings | undefined,
  ultralytics: UltralyticsMetadata | undefined,
): Promise<Settings> => {
  const file = await readSettingsFile(source, PREPROCESSING);
  if (file !== undefined) return isObject(file.pretrained_cfg) ? toTimmPreprocessing(file.pretrained_cfg) : { ...file };
  if (timm !== undefined) return toTimmPreprocessing(timm);
  if (ultralytics !== undefined) return ultralyticsPreprocessing(ultralytics);
  return refuse(
    'MODEL_INVALID',
    `${source.directory} has no ${PREPROCESSING} (the way from images to tensors), which its task needs, such as ` +
      '{"size": {"height": 224, "width": 224}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}',
  );
};

/** PNGs of two by two pixels, each of another colour. */
const COLOURFUL = [
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAFklEQVQI12P4v0CEK+oEw4cPHxiabAAuewZuPX83DgAAAABJRU5ErkJggg==',
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAFUlEQVQI12M4wcAARAwiIv///2cAABvZBLaayCdzAAAAAElFTkSuQmCC',
];

const scoresSchema = v.array(v.object({ score: v.number() }));

/** Tells whether numbers lie from 0 to 1 and sum to 1, as far as half precision can tell. */
const areProbabilities = (numbers: readonly number[]): boolean =>
  numbers.every((number) => number >= 0 && number <= 1) &&
  Math.abs(numbers.reduce((sum, number) => sum + number, 0) - 1) < 1e-3;

/** @throws `MODEL_INVALID` when the outputs are probabilities for every image: a softmax of them would make all scores alike */
const assertLogits = async (task: Task, model: TaskModel): Promise<void> => {
  for (const inputs of [BLACK_PIXEL, ...COLOURFUL]) {
    const request = task.decode({ inputs, parameters: { function_to_apply: 'none', top_k: MAX_TOP_K } });
    const answer = v.parse(scoresSchema, jsonValueOf(await answerOne(task, model, request)));
    if (!areProbabilities(answer.map(({ score }) => score))) return;
  }
  refuse(
    'MODEL_INVALID',
    'its outputs are probabilities, which lie from 0 to 1 and sum to 1 for each image: write "function_to_apply": "none" into config.json',
  );
};

export const imageClassification: TaskRecipe<ImageClassificationSettings> = {
  graphs: ['model'],
  example: '<image>',

  async read(source) {
    const ultralytics = await readUltralyticsMetadata(source);
    const config = ultralytics
      ? ((await readSettingsFile(source, CONFIG)) ?? {})
      : await requireSettingsFile(source, CONFIG, 'the labels');
    const labels = labelsOf(config, ultralytics);
    const preprocessing = await readPreprocessing(source, findTimmSettings(config), ultralytics);
    const { functionToApply, notes } = await readFunction(source, config, labels);
    const present = await Promise.all(
      [CONFIG, PREPROCESSING].map(async (path) => ((await hasFile(source, path)) ? [{ path }] : [])),
    );
    return { settings: { labels, functionToApply, preprocessing: { ...preprocessing } }, files: present.flat(), notes };
  },

  /** A blank request asks for all labels. */
  async trialRun(task, model, { labels, functionToApply, preprocessing }) {
    assertImagesFit(model, preprocessing);
    assertClassCount(countElements(jsonValueOf(await answerOne(task, model, task.blank(ZEROS)))), labels);
    if (functionToApply === 'softmax') await assertLogits(task, model);
  },
};
