import { ServingError } from '../core/errors.ts';
import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { RecognisedTask } from './recognise-task.ts';

/** The stable version of a model; undefined when there is none, or none that can be read, which a push remedies. */
const readAnswering = async (repository: ModelRepository, name: string): Promise<PublishedBundle | undefined> => {
  const routed = await unlessMissing(repository.routing(name));
  if (routed === undefined) return undefined;
  return repository.bundle(name, routed.routing.stable).catch((error: unknown) => {
    if (ServingError.from(error).code === 'MODEL_UNAVAILABLE') throw error;
    return undefined;
  });
};

/**
 * Asserts that callers of the model may go on as before: a version that takes tensors refuses all images.
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
    `this would be ${task} (${reason}), and version ${answering.version} of ${name}, which answers now, is ${answering.task}; ` +
      `say which is meant with --task ${answering.task} or --task ${task}, or choose another --name`,
  );
};
