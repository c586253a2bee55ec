import { expect, it } from '@jest/globals';
import { createFindRoutes } from '../../../src/http/find-route.ts';
import type { Route } from '../../../src/http/route.ts';

const route: Route = {
  method: 'GET',
  paths: ['/models/:name'],
  operation: 'none',
  handle: async () => ({ status: 200, headers: {}, body: '' }),
};

it('finds the routes of a path once, and keeps none of a path of megabytes', () => {
  const findRoutes = createFindRoutes([route]);
  const [short, long] = ['/models/iris', `/models/${'x'.repeat(1_000_000)}`];

  expect(findRoutes(short).parameters).toEqual({ name: 'iris' });
  expect(findRoutes(short)).toBe(findRoutes(short));
  expect(findRoutes(long).found).toEqual([route]);
  expect(findRoutes(long)).not.toBe(findRoutes(long));
});

it('finds the routes of each of many paths', () => {
  const findRoutes = createFindRoutes([route]);
  const names = Array.from({ length: 250 }, (_, index) => `m${index % 120}`);

  expect(names.map((name) => findRoutes(`/models/${name}`).parameters.name)).toEqual(names);
});
