import { readdir } from 'node:fs/promises';
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

it('there is an event for every function, and for every way in that an API has', async () => {
  const files = await readdir('events');
  const functions = await readdir('functions');
  const has = (name: string): boolean => files.some((file) => file === `${name}.json` || file.startsWith(`${name}-`));
  expect(functions.filter((name) => !has(name))).toEqual([]);
  const events = [...(await readEvents('infer')).values()] as { rawPath: string; headers: Record<string, string> }[];
  const ways = ['/models', '/uploads', '/jobs', '/v1', '/v2'];
  expect(ways.filter((way) => !events.some(({ rawPath }) => rawPath.startsWith(way)))).toEqual([]);
  expect(events.some(({ headers }) => headers.prefer === 'respond-async')).toBe(true);
});
