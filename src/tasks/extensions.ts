import { existsSync, readdirSync } from 'node:fs';
import type { InputDecoder } from '../core/payload.ts';
import type { TaskRecipe } from './recipe.ts';
import type { TaskType } from './task-type.ts';

/*
 * The extensions of this clone: folders of `extensions/`, by their name. This file looks for them on disk, for `npm start` and for the
 * command line. In bundles, esbuild.config.ts puts the list in its place that it found at build time.
 */

type Imports<Module> = Readonly<Record<string, () => Promise<Module>>>;

const FOLDER = new URL('../../extensions/', import.meta.url);

/** Imports of the file `file` of every extension that has one. */
const importsOf = <Module>(file: string): Imports<Module> => {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  const urls = names.map((name): [string, URL] => [name, new URL(`${name}/${file}`, FOLDER)]);
  return Object.fromEntries(
    urls.filter(([, url]) => existsSync(url)).map(([name, { href }]) => [name, () => import(href)]),
  );
};

/** Serving halves of tasks, by the name of the task. */
export const EXTENSION_TASKS = importsOf<{ readonly task?: TaskType }>('task.ts');

/** Recipes of tasks. In bundles there are none. */
export const EXTENSION_RECIPES = importsOf<{ readonly recipe?: TaskRecipe }>('recipe.ts');

export const EXTENSION_DECODERS = importsOf<{ readonly decoder?: InputDecoder }>('decoder.ts');
