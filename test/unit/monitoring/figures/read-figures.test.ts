import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { formatModelFigures, modelFiguresJson } from '../../../../cli/output/format-figures.ts';
import { priceOf } from '../../../../src/monitoring/figures/prices.ts';
import { readFigures } from '../../../../src/monitoring/figures/read-figures.ts';
import { noFigures, type VersionFigures } from '../../../../src/monitoring/figures/version-figures.ts';
import type { Routing } from '../../../../src/repository/routing/routing.ts';
import { createDirectoryStore } from '../../../../src/repository/stores/directory-store.ts';
import type { ObjectStore } from '../../../../src/repository/stores/object-store.ts';

const NOW_MS = Date.parse('2026-11-26T08:30:00Z');
const HOUR_MS = 3_600_000;
const ROUTING: Routing = { formatVersion: 1, stable: 1, aliases: {}, deleted: [], history: [] };

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'figures-'));
  store = createDirectoryStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const write = (name: string, versions: Record<string, Partial<VersionFigures>>, functionName = 's-dev-infer') => {
  const whole = Object.entries(versions).map(([version, figures]) => [version, { ...noFigures(), ...figures }]);
  const body = { formatVersion: 1, functionName, memoryMb: 1769, versions: Object.fromEntries(whole) };
  return store.write(`figures/m/${name}.json`, JSON.stringify(body));
};

it('adds environments, functions and hours by version, of the hours that the time touches', async () => {
  await write('2026-11-26/08-a', { 1: { requests: 2, billedMs: 200, memoryMb: 300, latencyMs: { 26: 2 } } });
  await write('2026-11-26/07-b', { 1: { requests: 3, billedMs: 300, memoryMb: 400 }, 2: { requests: 1 } });
  await write('2026-11-26/07-c', { 1: { requests: 5, billedMs: 500 } }, 's-dev-on-upload');
  await write('2026-11-26/07-d', { 2: { requests: 4, billedMs: 100, initMs: 900 } }, 's-dev-big');
  await write('2026-11-26/06-a', { 1: { requests: 7 } });
  await write('2026-11-25/23-a', { 1: { requests: 11 } });
  await store.write('figures/m2/2026-11-26/08-a.json', '{}');

  const { versions, cost, memoryMb, broken } = await readFigures(store, 'm', NOW_MS - HOUR_MS, NOW_MS);
  expect([...versions].map(([version, { requests }]) => [version, requests]).sort()).toEqual([
    [1, 10],
    [2, 5],
  ]);
  expect(versions.get(1)).toMatchObject({ memoryMb: 400, billedMs: 1_000, latencyMs: { 26: 2 } });
  const expected = priceOf(2, 200, 1769, true) + priceOf(3, 300, 1769, true) + priceOf(1, 0, 1769, true);
  const fleet = priceOf(4, 1_000, 1769, true); // with its init
  expect(cost).toBeCloseTo(expected + fleet + priceOf(5, 500, 1769, false), 15);
  expect({ memoryMb, broken }).toEqual({ memoryMb: 1769, broken: [] });

  const day = await readFigures(store, 'm', NOW_MS - 24 * HOUR_MS, NOW_MS);
  expect(day.versions.get(1)?.requests).toBe(28);
  expect(Object.fromEntries(day.traffic)).toEqual({
    ...{ '2026-11-25 23': 11, '2026-11-26 06': 7, '2026-11-26 07': 13, '2026-11-26 08': 2 },
  });
});

it('names an object that is broken, and leaves it out', async () => {
  await write('2026-11-26/08-a', { 1: { requests: 1 } });
  await write('2026-11-26/08-b', { 1: { requests: -1 } });
  await store.write('figures/m/2026-11-26/08-c.json', 'no JSON');
  const figures = await readFigures(store, 'm', NOW_MS, NOW_MS);
  expect(figures.versions.get(1)?.requests).toBe(1);
  expect(figures.broken).toEqual(['figures/m/2026-11-26/08-b.json', 'figures/m/2026-11-26/08-c.json']);
  expect(formatModelFigures('m', '1h', figures, ROUTING, undefined)).toContain('08-b.json cannot be read');
});

it('has the price of a million requests of 100 ms that the README has', () => {
  expect(priceOf(1e6, 1e8, 1769, true)).toBeCloseTo(4.08, 2);
});

it('advises a memory in which what was used has half as much again, and none above what there is', async () => {
  await write('2026-11-26/08-a', { 1: { requests: 1, memoryMb: 600 } });
  const figures = await readFigures(store, 'm', NOW_MS, NOW_MS);
  expect(modelFiguresJson(figures).memory).toEqual({ limitMb: 1769, usedMb: 600, enoughMb: 1_024 });
  expect(formatModelFigures('m', '1h', figures, ROUTING, undefined)).toContain(
    '600 MB of 1769 MB at most: 1024 MB would do, with 58 % of the processor',
  );
  await write('2026-11-26/08-a', { 1: { requests: 1, memoryMb: 1_500 } });
  const full = await readFigures(store, 'm', NOW_MS, NOW_MS);
  expect(formatModelFigures('m', '1h', full, ROUTING, undefined)).toContain('no less would do');
});

it('tells of an hour without traffic', async () => {
  const figures = await readFigures(store, 'm', NOW_MS, NOW_MS);
  expect(formatModelFigures('m', '1h', figures, ROUTING, undefined)).toMatch(/^No request reached m in the last 1h/);
  expect(modelFiguresJson(figures)).toMatchObject({ versions: [], memory: { limitMb: null, enoughMb: null } });
});
