import { ServingError } from '../core/errors.ts';
import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { hasFile, type ModelSource, readPipelineTag, readSettingsFile } from '../source/model-source.ts';
import { readUltralyticsMetadata } from '../source/ultralytics.ts';
import { TASKS, type TaskName } from '../tasks/index.ts';

const isTask = (name: string): name is TaskName => Object.hasOwn(TASKS, name);
const served = Object.keys(TASKS).join(', ');

/** @throws `INVALID_REQUEST` naming the tasks that there are */
export const parseTask = (name: string): TaskName => {
  if (isTask(name)) return name;
  throw new ServingError('INVALID_REQUEST', `task ${JSON.stringify(name)} is unknown; there are ${served}`);
};

export interface RecognisedTask {
  readonly task: TaskName;
  /** What made it this task, for people. */
  readonly reason: string;
}

const kebab = (words: string): string => words.replaceAll(/(?<=[a-z0-9])[A-Z]/g, '-$&').toLowerCase();

/** What architectures end in, where the task is called otherwise. */
const HEADS: ReadonlyMap<string, string> = new Map([
  ['sequence-classification', 'text-classification'],
  ['ctc', 'automatic-speech-recognition'],
  ['speech-seq2-seq', 'automatic-speech-recognition'],
]);

/** Encoder–decoders are called `…ForConditionalGeneration`, whatever they generate: their `model_type` decides. */
const GENERATORS: ReadonlyMap<unknown, string> = new Map([
  ['whisper', 'automatic-speech-recognition'],
  ['marian', 'translation'],
  ['t5', 'translation'],
  ['mt5', 'translation'],
  ['m2m_100', 'translation'],
]);

const taskOfArchitecture = (architecture: string, modelType: unknown): string | undefined => {
  if (/ForConditionalGeneration$|MTModel$/.test(architecture)) return GENERATORS.get(modelType);
  const [, head] = /For([A-Z]\w*?)(WithTeacher)?$/.exec(architecture) ?? [];
  return head === undefined ? undefined : (HEADS.get(kebab(head)) ?? kebab(head));
};

/**
 * The task of a Hugging Face folder, or of a file in one: from what Ultralytics writes into a graph, or sentence-transformers beside it, else from the architecture in
 * config.json, else from the model card, else from the settings that only a classifier of pictures, or an encoder of text, has; else bare tensors.
 * @throws `MODEL_INVALID` for a task that is not served
 */
export const recogniseTask = async (source: ModelSource): Promise<RecognisedTask> => {
  const ultralytics = await readUltralyticsMetadata(source);
  if (ultralytics?.task === 'detect')
    return { task: 'object-detection', reason: 'task detect, which Ultralytics wrote into the graph' };
  if (!source.ownsDirectory) return { task: 'tensor', reason: 'a single file, served as bare tensors' };
  const decide = (name: string, reason: string): RecognisedTask => {
    if (isTask(name)) return { task: name, reason };
    throw new ServingError(
      'MODEL_INVALID',
      `${reason} means the task ${name}, served are ${served}; --task tensor serves its bare tensors`,
    );
  };
  const config = (await readSettingsFile(source, 'config.json')) ?? {};
  const { architectures, model_type: modelType, pipeline_tag: tag, id2label } = config;
  if (await hasFile(source, '1_Pooling/config.json')) return decide('feature-extraction', '1_Pooling/config.json');
  const named = Array.isArray(architectures) ? architectures.map(String) : [];
  for (const architecture of named) {
    const task = taskOfArchitecture(architecture, modelType);
    if (task !== undefined) return decide(task, `${architecture} in config.json`);
  }
  if (typeof tag === 'string') return decide(tag, `pipeline_tag ${tag} in config.json`);
  const card = await readPipelineTag(source);
  if (card !== undefined) return decide(card, `pipeline_tag ${card} in README.md`);
  if (id2label !== undefined && (await hasFile(source, 'preprocessor_config.json')))
    return decide('image-classification', 'id2label in config.json, with preprocessor_config.json');
  const encoder = named.find((architecture) => /[a-z0-9]Model$/.test(architecture));
  if (encoder !== undefined && (await hasFile(source, 'tokenizer_config.json')))
    return decide('feature-extraction', `${encoder} in config.json, with a tokenizer`);
  return {
    task: 'tensor',
    reason: 'neither config.json nor README.md names a task; --task does, such as tabular-classification',
  };
};

/** The version that answers whoever names none; undefined when there is none, or none that can be read: a push is the remedy for it. */
const readAnswering = async (repository: ModelRepository, name: string): Promise<PublishedBundle | undefined> => {
  const routed = await unlessMissing(repository.routing(name));
  if (routed === undefined) return undefined;
  return repository.bundle(name, routed.routing.stable).catch((error: unknown) => {
    if (ServingError.from(error).code === 'MODEL_UNAVAILABLE') throw error;
    return undefined;
  });
};

/**
 * Callers of a classifier send pictures: a version that took tensors would refuse them all.
 * @throws `INVALID_REQUEST` when the model answers to another task now
 */
export const assertSameTask = async (
  repository: ModelRepository,
  name: string,
  { task, reason }: RecognisedTask,
): Promise<void> => {
  const answering = await readAnswering(repository, name);
  if (answering === undefined || answering.task === task) return;
  throw new ServingError(
    'INVALID_REQUEST',
    `this would be ${task} (${reason}), and version ${answering.version} of ${name}, which answers now, is ${answering.task}; say which is meant with --task ${answering.task} or --task ${task}, or choose another --name`,
  );
};
