import type { Deadline } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { startStopwatch } from '../../core/stopwatch.ts';
import type { Serving } from '../../serving/serving.ts';
import type { Observation, Step } from '../../serving/telemetry.ts';
import { createTask } from '../../tasks/index.ts';
import { answerElements } from './answer-elements.ts';
import { readChunk, readRun } from './bulk-run.ts';
import { beginAttempt, type ChildPlace } from './chunk-attempt.ts';
import { type ChunkEnd, writeEnd } from './chunk-end.ts';
import { createToInput } from './joined-columns.ts';

export interface ChunkOptions extends ChildPlace {
  readonly deadline: Deadline;
  readonly requestId: string;
}

/**
 * Answers the elements of a chunk with one version, and writes them: once, however often it is called. A failure of an element is written
 * down beside them. An attempt goes on behind the elements that the last one has done.
 * @throws `NOT_FOUND` for a run or a version that is gone; errors that may pass, after which the chunk is to be run again
 */
export const runChunk = async (serving: Serving, options: ChunkOptions): Promise<ChunkEnd> => {
  const { name, chunk, deadline, requestId } = options;
  const { data } = serving;
  const [run, planned] = await Promise.all([readRun(data, name), readChunk(data, name, chunk)]);
  const { model, version } = run;
  const bundle = await serving.router.route({ name: model, version }, undefined, deadline);
  const observation: Observation = {
    ...{ model, version, requestId, operation: 'bulk' },
    ...{ stopwatch: startStopwatch<Step>(), batchSize: 0, failures: [] },
  };
  const task = await createTask(bundle);
  const attempt = await beginAttempt(data, run, options);
  if ('isKnown' in attempt) return attempt;
  try {
    const toInput = createToInput(bundle, run.join);
    await answerElements({ serving, bundle, task, run, toInput, deadline, observation }, planned, attempt);
    return await writeEnd(data, run, chunk, attempt.lines);
  } catch (cause) {
    const error = ServingError.from(cause);
    observation.failures.push(error);
    await attempt.end(error).catch(() => undefined); // the next attempt begins where this one did
    throw error;
  } finally {
    observation.batchSize = attempt.lines.done();
    serving.telemetry.observed(observation);
  }
};
