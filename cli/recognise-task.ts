import { ServingError } from '../src/core/errors.ts';
import type { PublishedBundle } from '../src/repository/bundle.ts';
import { type ModelRepository, unlessMissing } from '../src/repository/model-repository.ts';
import type { TaskName } from '../src/serving/tasks.ts';
import { type ModelSource, readPipelineTag, readSettingsFile } from './model-source.ts';
import { RECIPES } from './task-recipes.ts';

const isTask = (name: string): name is TaskName => Object.hasOwn(RECIPES, name);
const served = Object.keys(RECIPES).join(', ');

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

/**
 * The task of a Hugging Face folder, or of a file in one: from the architecture in config.json, else from the model card, else from the
 * settings that only a classifier of pictures has; else bare tensors.
 * @throws `MODEL_INVALID` for a task that is not served
 */
export const recogniseTask = async (source: ModelSource): Promise<RecognisedTask> => {
  if (!source.ownsDirectory) return { task: 'tensor', reason: 'a single file, served as bare tensors' };
  const decide = (name: string, reason: string): RecognisedTask => {
    if (isTask(name)) return { task: name, reason };
    throw new ServingError(
      'MODEL_INVALID',
      `${reason} means the task ${name}, served are ${served}; --task tensor serves its bare tensors`,
    );
  };
  const { architectures, pipeline_tag: tag, id2label } = (await readSettingsFile(source, 'config.json')) ?? {};
  for (const architecture of Array.isArray(architectures) ? architectures.map(String) : []) {
    const [, head] = /For([A-Z]\w*?)(WithTeacher)?$/.exec(architecture) ?? [];
    if (head !== undefined) return decide(kebab(head), `${architecture} in config.json`);
  }
  if (typeof tag === 'string') return decide(tag, `pipeline_tag ${tag} in config.json`);
  const card = await readPipelineTag(source);
  if (card !== undefined) return decide(card, `pipeline_tag ${card} in README.md`);
  if (id2label !== undefined && (await readSettingsFile(source, 'preprocessor_config.json')) !== undefined)
    return decide('image-classification', 'id2label in config.json, with preprocessor_config.json');
  return { task: 'tensor', reason: 'neither config.json nor README.md names a task' };
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
