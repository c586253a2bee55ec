import { expect, it } from '@jest/globals';
import { findModel } from '../../cli/model-source.ts';
import { recogniseTask } from '../../cli/recognise-task.ts';
import { TASKS } from '../../src/serving/tasks.ts';
import { readEvents } from '../support/deployed-function.ts';
import { findNamed } from '../support/serving.ts';

/** The task that an event asks for; undefined when it predicts nothing. */
const taskOf = async ({ rawPath }: { rawPath: string }): Promise<string | undefined> => {
  if (rawPath.endsWith('/infer')) return 'tensor';
  const [, name] = /^\/models\/([^/]+)/.exec(rawPath) ?? [];
  return name && (await recogniseTask(await findModel(findNamed(name)))).task;
};

it('there is an event for every task', async () => {
  const events = [...(await readEvents('infer')).values()] as { rawPath: string }[];
  const tasks = new Set(await Promise.all(events.map(taskOf)));
  expect(Object.keys(TASKS).filter((task) => !tasks.has(task))).toEqual([]);
});
