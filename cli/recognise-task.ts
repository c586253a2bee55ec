import { ServingError } from '../src/core/errors.ts';
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
 * The task of a Hugging Face folder: from the architecture in config.json, else from the model card, else bare tensors.
 * @throws `MODEL_INVALID` for a task that is not served
 */
export const recogniseTask = async (source: ModelSource): Promise<RecognisedTask> => {
  if (!source.isFolder) return { task: 'tensor', reason: 'a single file, served as bare tensors' };
  const decide = (name: string, reason: string): RecognisedTask => {
    if (isTask(name)) return { task: name, reason };
    throw new ServingError(
      'MODEL_INVALID',
      `${reason} means the task ${name}, served are ${served}; --task tensor serves its bare tensors`,
    );
  };
  const { architectures, pipeline_tag: tag } = (await readSettingsFile(source, 'config.json')) ?? {};
  for (const architecture of Array.isArray(architectures) ? architectures.map(String) : []) {
    const [, head] = /For([A-Z]\w*?)(WithTeacher)?$/.exec(architecture) ?? [];
    if (head !== undefined) return decide(kebab(head), `${architecture} in config.json`);
  }
  if (typeof tag === 'string') return decide(tag, `pipeline_tag ${tag} in config.json`);
  const card = await readPipelineTag(source);
  if (card !== undefined) return decide(card, `pipeline_tag ${card} in README.md`);
  return { task: 'tensor', reason: 'neither config.json nor README.md names a task' };
};
