import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deadlineAt } from '../../../src/core/deadline.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { priceOf } from '../../../src/monitoring/figures/prices.ts';
import { noFigures } from '../../../src/monitoring/figures/version-figures.ts';
import type { SpendingReport } from '../../../src/monitoring/job.ts';
import { addUpSpending } from '../../../src/monitoring/spending/add-up-spending.ts';
import { noSpending } from '../../../src/monitoring/spending/spending-document.ts';
import { createSpendingLimit, type SpendingLimit } from '../../../src/monitoring/spending/spending-limit.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { ObjectStore } from '../../../src/repository/stores/object-store.ts';

const NOW_MS = Date.parse('2026-11-26T08:30:00Z');
const HOUR_MS = 3_600_000;
const KEY = 'spending/2026-11.json';

let root: string;
let store: ObjectStore;
let nowMs: number;
let reports: SpendingReport[];
let warnings: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spending-'));
  store = createDirectoryStore(root);
  [nowMs, reports, warnings] = [NOW_MS, [], []];
});
afterEach(() => rm(root, { recursive: true }));

const tick = (maxMonthlyDollars = 1): Promise<void> =>
  addUpSpending({
    ...{ repository: createModelRepository(createDirectoryStore(root)), data: store, nowMs: () => nowMs },
    maxMonthlyDollars,
    telemetry: {
      decided: async () => {},
      judged: () => {},
      scored: () => {},
      spent: async (report) => void reports.push(report),
      warned: (message, error) => warnings.push(`${message}: ${error.fullMessage}`),
    },
  });

/** Writes the figures of an environment, with so many seconds in `infer`, and gives their price. */
const spend = async (key: string, seconds: number, initMs = 0): Promise<number> => {
  const figures = { ...noFigures(), requests: 1, billedMs: seconds * 1000, initMs };
  const hour = { formatVersion: 1, functionName: 's-dev-infer', memoryMb: 1769, versions: { 1: figures } };
  await store.write(`figures/${key}.json`, JSON.stringify(hour));
  return priceOf(1, seconds * 1000 + initMs, 1769, true);
};
const read = async (): Promise<{ dollars: number; settledDollars: number; settledTo: string }> =>
  JSON.parse(Buffer.from((await store.read(KEY)).body).toString());

describe('the spending of a month', () => {
  it('is the cost of all models, hours and environments of the month, with their inits', async () => {
    const prices = [
      await spend('iris/2026-11-01/00-a', 10, 500),
      await spend('iris/2026-11-26/08-a', 20),
      await spend('iris/2026-11-26/08-b', 30),
      await spend('wine/2026-11-20/13-a', 40),
    ];
    await spend('iris/2026-10-31/23-a', 1_000);
    await tick();
    const total = prices.reduce((sum, price) => sum + price, 0);
    expect((await read()).dollars).toBeCloseTo(total, 12);
    expect(reports).toEqual([
      { month: '2026-11', dollars: expect.closeTo(total, 12), limitDollars: 1, isReached: false },
    ]);
  });

  it('counts each hour once, also when its figures grow, and reads no hour again that has ended long ago', async () => {
    await spend('iris/2026-11-26/07-a', 10);
    await spend('iris/2026-11-26/08-a', 10);
    await tick();
    const grown = [await spend('iris/2026-11-26/07-a', 20), await spend('iris/2026-11-26/08-a', 30)];
    nowMs += HOUR_MS;
    await tick();
    await tick();
    const total = grown.reduce((sum, price) => sum + price, 0);
    expect(await read()).toMatchObject({ dollars: expect.closeTo(total, 12), settledTo: '2026-11-26T08:00:00.000Z' });
    await spend('iris/2026-11-26/07-a', 9_999); // nobody writes it any more
    await tick();
    expect((await read()).dollars).toBeCloseTo(total, 12);
  });

  it('begins anew with the month', async () => {
    await spend('iris/2026-11-30/23-a', 10);
    nowMs = Date.parse('2026-12-01T00:10:00Z');
    const price = await spend('iris/2026-12-01/00-a', 20);
    await tick();
    expect(reports).toEqual([
      { month: '2026-12', dollars: expect.closeTo(price, 12), limitDollars: 1, isReached: false },
    ]);
  });

  it('is told once as reached', async () => {
    await spend('iris/2026-11-26/08-a', 10);
    for (const limit of [0.0001, 0.0001, 1]) await tick(limit);
    expect(reports.map(({ isReached }) => isReached)).toEqual([true, false, false]);
  });

  it('is added up anew when its document is broken, and not at all without a limit', async () => {
    const price = await spend('iris/2026-11-02/08-a', 10);
    await tick(0);
    await expect(read()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.write(KEY, '{"dollars": -1}');
    await tick();
    expect((await read()).dollars).toBeCloseTo(price, 12);
    expect(reports).toHaveLength(1);
  });

  it('leaves out figures that are broken, and says which', async () => {
    const price = await spend('iris/2026-11-26/08-a', 10);
    await store.write('figures/iris/2026-11-26/08-b.json', '{"versions": 5}');
    await tick();
    expect((await read()).dollars).toBeCloseTo(price, 12);
    expect(warnings).toEqual([expect.stringContaining('figures/iris/2026-11-26/08-b.json has no figures')]);
  });
});

describe('the limit of the spending', () => {
  const write = (dollars: number, month = '2026-11'): Promise<string> =>
    store.write(`spending/${month}.json`, JSON.stringify({ ...noSpending(month), dollars }));
  const held: Promise<unknown>[] = [];
  const createLimit = (data: ObjectStore = store): SpendingLimit =>
    createSpendingLimit({
      ...{ data, maxMonthlyDollars: 5, ttlMs: 30_000, hold: (work) => held.push(work), nowMs: () => nowMs },
      warned: (message) => warnings.push(message),
    });
  /** What a request finds whose read has ended: on a busy machine a read takes longer than an answer waits for it. */
  const wait = async (limit: SpendingLimit): Promise<number | undefined> => {
    await limit.secondsToWait(deadlineAt(Date.now() + 10_000));
    await Promise.all(held);
    return limit.secondsToWait(deadlineAt(Date.now() + 10_000));
  };

  it('refuses nothing below it, and names the seconds to the next month once it is reached', async () => {
    expect(await wait(createLimit())).toBeUndefined(); // nobody has added anything up
    await write(4.99);
    expect(await wait(createLimit())).toBeUndefined();
    await write(5);
    expect(await wait(createLimit())).toBe((4 * 24 + 15.5) * 3600);
  });

  it('holds in an environment within a minute, and ends with the month', async () => {
    const limit = createLimit();
    expect(await wait(limit)).toBeUndefined();
    await write(6);
    nowMs += 29_000;
    expect(await wait(limit)).toBeUndefined();
    nowMs += 31_000;
    expect(await wait(limit)).toBeGreaterThan(0);
    nowMs = Date.parse('2026-12-01T00:00:00Z');
    expect(await wait(limit)).toBeUndefined();
  });

  it('stays as it is known while the store does not answer', async () => {
    await write(6);
    let isAway = false;
    const away = (): never => {
      throw new ServingError('MODEL_UNAVAILABLE', 'away');
    };
    const data: ObjectStore = {
      ...store,
      read: async (...args) => (isAway ? away() : store.read(...args)),
      readChanged: async (...args) => (isAway ? away() : store.readChanged(...args)),
    };
    const limit = createLimit(data);
    expect(await wait(limit)).toBeGreaterThan(0);
    isAway = true;
    nowMs += 120_000;
    expect(await wait(limit)).toBeGreaterThan(0);
    expect(await wait(createLimit(data))).toBeUndefined();
    expect(new Set(warnings)).toEqual(new Set(['the spending of the month was not read: a later request tries again']));
  });
});
