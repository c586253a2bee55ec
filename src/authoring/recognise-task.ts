import { refuse, ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { hasFile, type ModelSource, readPipelineTag, readSettingsFile } from '../source/model-source.ts';
import type { Settings } from '../source/settings-file.ts';
import { findTimmSettings } from '../source/timm.ts';
import { readUltralyticsMetadata } from '../source/ultralytics.ts';
import { isTaskName, taskNames } from '../tasks/index.ts';
import { isEncoder, taskOfArchitecture, taskOfInput, textToTextSign } from './architectures.ts';

const served = taskNames().join(', ');

/** @throws `INVALID_REQUEST` naming the tasks that there are */
export const parseTask = (name: string): string => {
  if (isTaskName(name)) return name;
  throw new ServingError('INVALID_REQUEST', `task ${JSON.stringify(name)} is unknown; there are ${served}`);
};

/** Served tasks by the name that Ultralytics has for them. */
const ULTRALYTICS_TASKS: ReadonlyMap<string, string> = new Map([
  ['detect', 'object-detection'],
  ['classify', 'image-classification'],
]);

export interface RecognisedTask {
  readonly task: string;
  /** The sign that decided, for people. */
  readonly reason: string;
}

/** A task that the folder seems to name. */
interface Sign {
  readonly task: string;
  readonly reason: string;
}

/** The best sign of a task in the folder of a model. */
const findSign = async (source: ModelSource, config: Settings): Promise<Sign | undefined> => {
  const { architectures, model_type: modelType, pipeline_tag: tag, id2label, task_specific_params: params } = config;
  if (await hasFile(source, '1_Pooling/config.json'))
    return { task: 'feature-extraction', reason: '1_Pooling/config.json' };
  const named = Array.isArray(architectures) ? architectures.map(String) : [];
  const card = await readPipelineTag(source);
  const tasks = Object.keys(isObject(params) ? params : {});
  for (const architecture of named) {
    const known = textToTextSign(architecture, modelType, { tag, card, tasks });
    if (known !== undefined) return { task: known.task, reason: `${architecture} with ${known.sign}` };
    const task = taskOfArchitecture(architecture, modelType);
    if (task !== undefined) return { task, reason: `${architecture} in config.json` };
  }
  if (typeof tag === 'string') return { task: tag, reason: `pipeline_tag ${tag} in config.json` };
  if (card !== undefined) return { task: card, reason: `pipeline_tag ${card} in README.md` };
  if (findTimmSettings(config) !== undefined)
    return { task: 'image-classification', reason: 'settings of timm in config.json' };
  if (id2label !== undefined && (await hasFile(source, 'preprocessor_config.json')))
    return { task: 'image-classification', reason: 'id2label in config.json, with preprocessor_config.json' };
  if (await hasFile(source, 'genai_config.json')) return { task: 'text-generation', reason: 'genai_config.json' };
  const encoder = named.find(isEncoder);
  return encoder !== undefined && (await hasFile(source, 'tokenizer_config.json'))
    ? { task: 'feature-extraction', reason: `${encoder} in config.json, with a tokenizer` }
    : undefined;
};

/**
 * The task of a Hugging Face folder, or of a file in one. The first of these decides:
 *
 * - the metadata that Ultralytics writes into a graph,
 * - the pooling that sentence-transformers writes beside it,
 * - the architecture in config.json,
 * - the task in config.json or in the model card,
 * - settings of onnxruntime-genai, or those that only timm, a classifier of images, or an encoder of text, has.
 *
 * `model_type` of config.json corrects the task of a model with another input. Without a sign, the model is served as tensors.
 * @throws `MODEL_INVALID` for a task that is not served
 */
export const recogniseTask = async (source: ModelSource): Promise<RecognisedTask> => {
  const ultralytics = await readUltralyticsMetadata(source);
  const byUltralytics = ultralytics && ULTRALYTICS_TASKS.get(ultralytics.task);
  if (byUltralytics !== undefined)
    return { task: byUltralytics, reason: `task ${ultralytics?.task}, which Ultralytics wrote into the graph` };
  const other =
    ultralytics && `a model of Ultralytics for the task ${ultralytics.task}, which only the tensor task serves`;
  if (!source.ownsDirectory) return { task: 'tensor', reason: other ?? 'a single file, served by the tensor task' };
  const config = (await readSettingsFile(source, 'config.json')) ?? {};
  const sign = await findSign(source, config);
  if (sign === undefined)
    return {
      task: 'tensor',
      reason: other ?? 'neither config.json nor README.md names a task; --task does, such as tabular-classification',
    };
  const { reason } = sign;
  const task = taskOfInput(sign.task, config.model_type);
  if (isTaskName(task)) return { task, reason };
  return refuse(
    'MODEL_INVALID',
    `${reason} means the task ${task}, served are ${served}; --task tensor serves its tensors`,
  );
};
