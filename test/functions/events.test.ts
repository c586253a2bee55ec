import { expect, it } from '@jest/globals';
import { recogniseTask } from '../../src/authoring/recognise-task.ts';
import { findModel } from '../../src/source/model-source.ts';
import { TASKS } from '../../src/tasks/index.ts';
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
