import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { TASKS } from '../../../src/tasks/index.ts';

const FOLDER = 'src/tasks';
const HALVES = ['task.ts', 'recipe.ts', 'settings.ts'];

it.each(Object.keys(TASKS))('the task %s has a half that serves, a recipe and settings in its folder', (name) => {
  expect(HALVES.filter((file) => !existsSync(join(FOLDER, name, file)))).toEqual([]);
});

it('the list of tasks names every folder of src/tasks', async () => {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(Object.keys(TASKS).sort()).toEqual(folders.sort());
});

it.each(Object.keys(TASKS))('the task %s has a page in docs/tasks', (name) => {
  expect(existsSync(join('docs/tasks', `${name}.md`))).toBe(true);
});

it.each(Object.keys(TASKS))('the table of tasks in the README has the task %s', async (name) => {
  const rows = (await readFile('README.md', 'utf8')).match(/^\| `[^|]*/gm) ?? [];
  expect(rows.filter((row) => row.includes(`\`${name}\``))).toHaveLength(1);
});
