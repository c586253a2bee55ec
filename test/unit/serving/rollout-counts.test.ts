import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { startStopwatch } from '../../../src/core/stopwatch.ts';
import { readCounts } from '../../../src/monitoring/rollouts/read-counts.ts';
import { badEvents, type StepCounts } from '../../../src/monitoring/rollouts/step-counts.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { ObjectStore } from '../../../src/repository/stores/object-store.ts';
import { createRolloutCounts, type RolloutCounts } from '../../../src/serving/rollout-counts.ts';
import type { CanaryStep } from '../../../src/serving/router.ts';
import type { Observation, Step } from '../../../src/serving/telemetry.ts';

const STEP: CanaryStep = { version: 2, prefix: 'rollouts/m/2-0/', arm: 'canary' };
const SERVER_FAULT = new ServingError('INFERENCE_FAILED', 'broken');
const CLIENT_FAULT = new ServingError('INVALID_INPUT', 'wrong');

let root: string;
let store: ObjectStore;
let deferred: (() => Promise<void>)[];
let warnings: string[];
let clock: { nowMs: number };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollout-counts-'));
  store = createDirectoryStore(root);
  deferred = [];
  warnings = [];
  clock = { nowMs: 0 };
});
afterEach(() => rm(root, { recursive: true }));

const createCounts = (data = store): RolloutCounts =>
  createRolloutCounts({
    data,
    background: { hold: () => {}, defer: (start) => deferred.push(start) },
    warned: (message) => warnings.push(message),
    nowMs: () => clock.nowMs,
  });

const observation = (overrides: Partial<Observation> = {}): Observation => {
  const ids = { requestId: 'r', key: 'r', operation: 'POST /models/:name', model: 'm', version: 2 };
  return { ...ids, stopwatch: startStopwatch<Step>(), batchSize: 1, failures: [], step: STEP, ...overrides };
};
const read = (): Promise<StepCounts> =>
  readCounts(store, STEP.prefix, (key) => {
    throw new Error(key);
  });
const keysIn = async (): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
};

describe('counts of a canary', () => {
  it('are right after a write that arrives late', async () => {
    const answers: (() => void)[] = [];
    const slow: ObjectStore = {
      ...store,
      write: async (...parameters) => {
        await new Promise<void>((answer) => answers.push(answer));
        return store.write(...parameters);
      },
    };
    const counts = createCounts(slow);
    const flush = async (): Promise<void> => {
      const flushed = counts.flush();
      answers.reverse().forEach((answer) => void answer()); // the later write arrives first
      await flushed;
    };
    counts.observe(observation());
    const first = counts.flush();
    counts.observe(observation());
    await flush();
    await first;
    await flush();

    expect((await read()).canary.requests).toBe(2);
  });

  it('are written on after the clock was set back', async () => {
    clock.nowMs = 1_000_000;
    const counts = createCounts();
    counts.observe(observation());
    clock.nowMs = 0;
    counts.observe(observation());
    expect(deferred).toHaveLength(2);
  });

  it('are not kept without one: nothing is counted, deferred or written', async () => {
    const counts = createCounts();
    const { step: _step, ...plain } = observation({ failures: [SERVER_FAULT] });
    counts.observe(plain);
    counts.compare(undefined, 1, 1);
    await counts.flush();
    expect(deferred).toEqual([]);
    expect(await keysIn()).toEqual([]);
  });

  it('are written after an answer, every ten seconds, into one object that grows', async () => {
    const counts = createCounts();
    for (let request = 0; request < 5; request += 1) counts.observe(observation());
    expect(deferred).toHaveLength(1);
    await deferred[0]?.();
    clock.nowMs = 9_999;
    counts.observe(observation());
    expect(deferred).toHaveLength(1);
    clock.nowMs = 10_000;
    counts.observe(observation());
    await deferred[1]?.();
    expect((await read()).canary.requests).toBe(7);
    expect(await keysIn()).toHaveLength(1);
  });

  it('tell failures from refusals, by the keys of callers, each of them once', async () => {
    const counts = createCounts();
    for (const key of ['a', 'a', 'b']) counts.observe(observation({ key, failures: [SERVER_FAULT] }));
    counts.observe(observation({ failures: [SERVER_FAULT] }));
    counts.observe(observation({ failures: [SERVER_FAULT] }));
    counts.observe(observation({ gatewayRequestId: 'g', failures: [CLIENT_FAULT] }));
    counts.observe(observation({ gatewayRequestId: 'g', failures: [CLIENT_FAULT] }));
    await counts.flush();
    const { canary } = await read();
    expect(canary).toMatchObject({ requests: 7, errors: { alone: 2 }, refused: { alone: 0 } });
    expect([badEvents(canary.errors), badEvents(canary.refused)]).toEqual([4, 1]);
  });

  it('time only answers by a model in memory, once the limit is known', async () => {
    const counts = createCounts();
    const timed: CanaryStep = { ...STEP, arm: 'stable', slowMs: 0 };
    counts.observe(observation());
    counts.observe(observation({ waited: true, step: timed }));
    counts.observe(observation({ failures: [CLIENT_FAULT], step: timed }));
    counts.observe(observation({ step: timed }));
    counts.observe(observation({ step: { ...timed, slowMs: 3_600_000 } }));
    await counts.flush();
    const { canary, stable, latencyMs } = await read();
    expect([canary.timed, stable.timed, badEvents(stable.slow)]).toEqual([0, 2, 1]);
    expect(Object.values(latencyMs).reduce((sum, times) => sum + times, 0)).toBe(2); // the canary's is not counted: the limit is the stable version's
  });

  it('take each upload of a batch, and no time', async () => {
    const counts = createCounts();
    const uploads = [{ key: 'u1' }, { key: 'u2', error: SERVER_FAULT }, { key: 'u3', error: CLIENT_FAULT }];
    counts.observe(observation({ uploads, failures: [SERVER_FAULT], step: { ...STEP, slowMs: 0 } }));
    await counts.flush();
    const { canary } = await read();
    expect(canary).toMatchObject({ requests: 3, timed: 0 });
    expect([badEvents(canary.errors), badEvents(canary.refused)]).toEqual([1, 1]);
  });

  it('leave out callers that the plan does not name, and those whom nobody identified', async () => {
    const counts = createCounts();
    const step = { ...STEP, callers: ['alice'] };
    for (const holder of ['mallory', undefined, 'alice'])
      counts.observe(observation({ step, failures: [SERVER_FAULT], ...(holder && { holder }) }));
    await counts.flush();
    expect((await read()).canary).toMatchObject({ requests: 1, errors: { alone: 1 } });
  });

  it('go on in a new object when one has many keys: a key of both counts once', async () => {
    const counts = createCounts();
    for (let key = 0; key < 4_500; key += 1)
      counts.observe(observation({ key: `k${key % 3_000}`, failures: [SERVER_FAULT] }));
    await counts.flush();
    expect((await keysIn()).length).toBeGreaterThan(1);
    const { canary } = await read();
    expect(canary.requests).toBe(4_500);
    expect(badEvents(canary.errors)).toBe(3_000);
  });

  it('survive a store that refuses writes: the next write has them all', async () => {
    const failing: ObjectStore = {
      ...store,
      write: () => Promise.reject(new ServingError('MODEL_UNAVAILABLE', 'away')),
    };
    let data = failing;
    const counts = createCounts({ ...store, write: (...values) => data.write(...values) });
    counts.observe(observation());
    await counts.flush();
    expect(warnings).toEqual(['the counts of a canary were not written: the next request tries again']);
    data = store;
    counts.observe(observation());
    await counts.flush();
    expect((await read()).canary.requests).toBe(2);
  });
});
