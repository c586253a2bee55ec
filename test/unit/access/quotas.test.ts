import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createQuotas, type Quotas, SYNC_MS } from '../../../src/access/quotas.ts';
import type { Quota } from '../../../src/access/scope.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { ObjectStore } from '../../../src/repository/stores/object-store.ts';

const START_MS = Date.parse('2026-11-26T06:00:00Z');

let root: string;
let store: ObjectStore;
let nowMs: number;
let warnings: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'quotas-'));
  store = createDirectoryStore(root);
  nowMs = START_MS;
  warnings = [];
});
afterEach(() => rm(root, { recursive: true }));

/** An environment, whose work behind the answers is done when the test says so. */
const createEnvironment = (data: ObjectStore = store): Quotas & { idle(): Promise<void> } => {
  const work: (() => Promise<void>)[] = [];
  const quotas = createQuotas({
    data,
    defer: (start) => work.push(start),
    warned: (message) => warnings.push(message),
    nowMs: () => nowMs,
  });
  return {
    ...quotas,
    idle: async () => {
      for (const start of work.splice(0)) await start();
    },
  };
};

/** Requests of `count` that are let in. */
const ask = (quotas: Quotas, quota: Quota, count = 1): number =>
  Array.from({ length: count }, () => quotas.take(quota)).filter(({ refusal }) => refusal === undefined).length;

const total = async (day = '2026-11-26'): Promise<unknown> =>
  JSON.parse(Buffer.from((await store.read(`quotas/${day}/k.json`)).body).toString()).total;

const PER_DAY: Quota = { keyId: 'k', perDay: 10 };
const PER_SECOND: Quota = { keyId: 'k', perSecond: 5 };

describe('requests a second', () => {
  it('are let in up to the rate, and again as time passes', () => {
    const quotas = createEnvironment();
    expect(ask(quotas, PER_SECOND, 8)).toBe(5);
    const { headers, refusal } = quotas.take(PER_SECOND);
    expect(refusal).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    expect(headers).toEqual({
      'ratelimit-policy': '"second";q=5;w=1',
      ratelimit: '"second";r=0;t=1',
      'retry-after': '1',
    });
    nowMs += 400;
    expect(ask(quotas, PER_SECOND, 8)).toBe(2);
    nowMs += 60_000;
    expect(ask(quotas, PER_SECOND, 8)).toBe(5);
  });

  it('are shared by environments that are busy at the same time, and are one’s own otherwise', async () => {
    const [first, second] = [createEnvironment(), createEnvironment()];
    for (let seconds = 0; seconds < 60; seconds += 1) {
      ask(first, PER_SECOND, 5);
      ask(second, PER_SECOND, 5);
      await Promise.all([first.idle(), second.idle()]);
      nowMs += 1_000;
    }
    expect(ask(first, PER_SECOND, 5) + ask(second, PER_SECOND, 5)).toBeLessThanOrEqual(6);
    for (let seconds = 0; seconds < 60; seconds += 1) {
      nowMs += 1_000;
      ask(first, PER_SECOND, 5);
      await first.idle();
    }
    nowMs += 1_000;
    expect(ask(first, PER_SECOND, 8)).toBe(5);
  });
});

describe('requests a day', () => {
  it('are counted exactly by one environment, up to midnight UTC', async () => {
    const quotas = createEnvironment();
    expect(ask(quotas, PER_DAY, 25)).toBe(10);
    expect(quotas.take(PER_DAY)).toMatchObject({
      headers: { 'retry-after': '64800', ratelimit: '"day";r=0;t=64800', 'ratelimit-policy': '"day";q=10;w=86400' },
      refusal: { code: 'TOO_MANY_REQUESTS', message: expect.stringContaining('at midnight UTC') },
    });
    nowMs = Date.parse('2026-11-27T00:00:00Z');
    expect(ask(quotas, PER_DAY, 25)).toBe(10);
  });

  it('of other environments count from the next time that they are read', async () => {
    const [first, second] = [createEnvironment(), createEnvironment()];
    expect(ask(first, PER_DAY, 4)).toBe(4);
    await first.idle();
    expect(await total()).toBe(4);
    expect(ask(second, PER_DAY, 3)).toBe(3);
    await second.idle();
    expect(await total()).toBe(7);
    nowMs += SYNC_MS;
    expect(ask(first, PER_DAY)).toBe(1);
    await first.idle();
    expect(ask(first, PER_DAY, 9)).toBe(2);
    nowMs += SYNC_MS;
    ask(second, PER_DAY);
    await second.idle();
    expect(ask(second, PER_DAY, 9)).toBe(1); // of the 10, as far as it knows: the last two of the first are not written yet
    nowMs += SYNC_MS;
    for (const quotas of [first, second, first]) {
      quotas.take(PER_DAY);
      await quotas.idle();
    }
    expect([ask(first, PER_DAY), ask(second, PER_DAY), await total()]).toEqual([0, 0, 12]);
  });

  it('outlive the environments that counted them', async () => {
    for (let environments = 0; environments < 3; environments += 1) {
      const quotas = createEnvironment();
      ask(quotas, PER_DAY, 3);
      await quotas.idle();
      nowMs += 600_000;
    }
    expect(await total()).toBe(9);
    const last = createEnvironment();
    ask(last, PER_DAY);
    await last.idle();
    expect(ask(last, PER_DAY)).toBe(0);
  });

  it('are counted once when the answer to a write is lost, and all when environments write at the same time', async () => {
    const lossy: ObjectStore = {
      ...store,
      write: async (...args) => {
        await store.write(...args);
        return store.write(...args); // the client tries again, and meets its own write
      },
    };
    const environments = [createEnvironment(lossy), createEnvironment(), createEnvironment()];
    for (const quotas of environments) ask(quotas, PER_DAY, 2);
    await Promise.all(environments.map((quotas) => quotas.idle()));
    expect(await total()).toBe(6);
  });
});

it('a store that does not answer refuses nobody, and its requests are added up later', async () => {
  let isAway = true;
  const failing: ObjectStore = {
    ...store,
    read: (...args) =>
      isAway ? Promise.reject(new ServingError('MODEL_UNAVAILABLE', 'S3 is away')) : store.read(...args),
  };
  const quotas = createEnvironment(failing);
  expect(ask(quotas, PER_DAY, 4)).toBe(4);
  await quotas.idle();
  expect(warnings).toHaveLength(1);
  isAway = false;
  nowMs += SYNC_MS;
  ask(quotas, PER_DAY);
  await quotas.idle();
  expect(await total()).toBe(5);
});

it('a count that is broken is begun anew', async () => {
  await store.write('quotas/2026-11-26/k.json', '{"total": -1}');
  const quotas = createEnvironment();
  ask(quotas, PER_DAY, 2);
  await quotas.idle();
  expect(await total()).toBe(2);
});

it('both limits are told, and the one that lasts longer refuses', () => {
  const quota: Quota = { keyId: 'k', perSecond: 2, perDay: 2 };
  const quotas = createEnvironment();
  expect(quotas.take(quota).headers).toMatchObject({ ratelimit: '"second";r=1;t=1, "day";r=1;t=64800' });
  ask(quotas, quota);
  expect(quotas.take(quota).headers).toMatchObject({ 'retry-after': '64800' });
});
