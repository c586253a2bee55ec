import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Route } from '../../../src/http/route.ts';
import type { Serving } from '../../../src/serving/serving.ts';
import { sectionOf } from '../../support/page.ts';
import { createTestServing, type TestServing } from '../../support/serving.ts';

/** Optional parts of a path, such as `/models/{name}[/versions/{version}|/aliases/{alias}]`, written out. */
const expand = (path: string): string[] => {
  const [, before = '', choices, after = ''] = /^([^[]*)\[([^\]]*)\](.*)$/.exec(path) ?? [];
  if (choices === undefined) return [path];
  return ['', ...choices.split('|')].flatMap((choice) => expand(before + choice + after));
};

/** The requests of a row of the table: a path without a method has that of the path before. */
const requestsOf = (cell: string): string[] => {
  let method = '';
  return [...cell.matchAll(/`(?:([A-Z]+) )?([^` ]+)`/g)].flatMap(([, named, path = '']) => {
    method = named ?? method;
    return expand(path).map((one) => `${method} ${one.replace('}:', '}/')}`); // the application turns the colon into a slash
  });
};

const section = sectionOf(await readFile('README.md', 'utf8'), '## HTTP').replaceAll('\\|', '|');
const documented = section
  .split('\n')
  .flatMap((line) => (line.startsWith('| `') ? requestsOf(line.split(' | ')[0] ?? '') : []));

/** The routes of every file `src/http/…-routes.ts` and `src/http/…/routes.ts`. */
const readRoutes = async (serving: Serving): Promise<Route[]> => {
  const files = (await readdir('src/http', { recursive: true })).filter((file) => /[/-]routes\.ts$/.test(file));
  const modules = await Promise.all(files.map((file) => import(`../../../src/http/${file}`)));
  const creators = modules.flatMap((module: Record<string, (serving: Serving) => Route[]>) => Object.values(module));
  return creators.flatMap((create) => create(serving));
};

let serving: TestServing;
let routes: Route[];
beforeAll(async () => {
  serving = await createTestServing();
  routes = await readRoutes(serving);
});
afterAll(() => serving.remove());

it('the table of the README lists each route, and nothing else', () => {
  const served = routes.flatMap(({ method, paths }) =>
    paths.map((path) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
  );
  expect([...new Set(documented)].sort()).toEqual(served.sort());
});

it('the application knows each route by its path, and names its method', async () => {
  const byPath = Map.groupBy(
    routes.flatMap(({ method, paths }) => paths.map((path) => ({ path, method }))),
    ({ path }) => path,
  );
  for (const [path, found] of byPath) {
    const response = await serving.fetch(path.replaceAll(':', ''), { method: 'PUT' });
    expect({ path, status: response.status, allow: response.headers.get('allow') }).toEqual({
      ...{ path, status: 405 },
      allow: found.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', '),
    });
  }
});

it('the refusal of an unknown path names the first part of the path of each route', async () => {
  const { error } = (await (await serving.fetch('/unknown')).json()) as { error: string };
  const [, named = ''] = /; there are (.*)$/.exec(error) ?? [];
  const firstParts = (paths: readonly string[]): Set<string> =>
    new Set(paths.map((path) => `/${path.split('/')[1] ?? ''}`));
  expect(firstParts(named.split(/, | and /))).toEqual(firstParts(routes.flatMap(({ paths }) => paths)));
});
