import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Monitor, RolloutReport } from '../../src/monitoring/job.ts';
import { decideRollouts } from '../../src/monitoring/rollouts/decide-rollouts.ts';
import { noCounts } from '../../src/monitoring/rollouts/step-counts.ts';
import { bundleKey, routingKey, stepPrefix } from '../../src/repository/keys.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';

const SINCE = '2026-11-26T08:00:00.000Z';
const HOUR_MS = 3_600_000;

let root: string;
let models: ObjectStore;
let data: ObjectStore;
let decided: RolloutReport[];
let clock: { nowMs: number };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'decide-rollouts-'));
  [models, data] = [createDirectoryStore(join(root, 'models')), createDirectoryStore(join(root, 'data'))];
  decided = [];
  clock = { nowMs: Date.now() };
  for (const version of [1, 2]) await models.write(bundleKey('m', version), '{}');
});
afterEach(() => rm(root, { recursive: true }));

const monitor = (aheadMs = 0): Monitor => ({
  repository: createModelRepository(models),
  data,
  nowMs: () => clock.nowMs + aheadMs,
  maxMonthlyDollars: 0,
  telemetry: {
    decided: async (report) => void decided.push(report),
    judged: () => {},
    scored: () => {},
    spent: async () => {},
    warned: (message, error) => {
      throw new Error(message, { cause: error });
    },
  },
});

const plan = { since: SINCE, steps: [0.1, 0.5, 1], holdMs: 0, guards: ['errors'] };
const writeRouting = (weight = 0.1): Promise<string> =>
  models.write(routingKey('m'), JSON.stringify({ formatVersion: 1, stable: 1, canary: { version: 2, weight, plan } }));
const readRouting = async () => JSON.parse(Buffer.from((await models.read(routingKey('m'))).body).toString());
const writeCounts = (requests: number, since = SINCE): Promise<string> => {
  const counts = noCounts();
  return data.write(
    `${stepPrefix('m', 2, since)}e.json`,
    JSON.stringify({ ...counts, canary: { ...counts.canary, requests }, stable: { ...counts.stable, requests } }),
  );
};

it('two monitors at once, whose clocks differ by minutes, raise the weight once', async () => {
  await writeRouting();
  await writeCounts(100);
  await Promise.all([decideRollouts(monitor()), decideRollouts(monitor(180_000))]);
  const { canary, history } = await readRouting();
  expect(canary.weight).toBe(0.5);
  expect(history).toHaveLength(1);
  expect(decided).toHaveLength(1);
});

it('the counts of a step raise the weight once: the next step has its own', async () => {
  await writeRouting();
  await writeCounts(100);
  await decideRollouts(monitor());
  await decideRollouts(monitor());
  expect((await readRouting()).canary.weight).toBe(0.5);
});

it('a person who changes the canary meanwhile has the last word', async () => {
  await writeRouting();
  await writeCounts(100);
  const slow: ObjectStore = {
    ...data,
    read: async (...values) => {
      await writeRouting(0.2);
      return data.read(...values);
    },
  };
  await decideRollouts({ ...monitor(), data: slow });
  expect((await readRouting()).canary.weight).toBe(0.2);
  expect(decided).toEqual([]);
});

it('counts of a deleted model, and of a step that has ended, are removed after an hour', async () => {
  await writeCounts(100);
  await decideRollouts(monitor());
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of data.list('')) found.push(key);
    return found;
  };
  expect(await keys()).toHaveLength(1);
  clock.nowMs += 2 * HOUR_MS;
  await decideRollouts(monitor());
  expect(await keys()).toEqual([]);
});
