import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { captureObjectKey } from '../../src/capture/keys.ts';
import { createPredictionId } from '../../src/capture/prediction-id.ts';
import type { CaptureRecord } from '../../src/capture/record.ts';
import { makeBaseline, writeBaseline } from '../../src/monitoring/drift/baseline.ts';
import type { Feedback } from '../../src/monitoring/feedback/parse-feedback.ts';
import { storeFeedback } from '../../src/monitoring/feedback/store-feedback.ts';
import { decideRollouts } from '../../src/monitoring/rollouts/decide-rollouts.ts';
import { planCanary, startCanary } from '../../src/monitoring/rollouts/plan.ts';
import { readRollout } from '../../src/monitoring/rollouts/read-rollout.ts';
import { baselineKey } from '../../src/repository/keys.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { capturesOf, startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

/** The guards `accuracy` and `drift` of an automatic canary, over captures and feedback as functions write them. */

const START_MS = Date.parse('2026-11-25T11:30:00Z');
const NOW_MS = START_MS + 3_600_000;
const DAY = '2026-11-25';
const REASON = { by: 'a test', action: 'test' };

let serving: TestServing;
let objects = 0;

beforeAll(async () => {
  serving = await createTestServing();
  for (let version = 1; version <= 2; version += 1) await pushNamed(serving.repository, 'iris');
});
afterAll(() => serving.remove());
beforeEach(async () => {
  const { data, repository } = serving;
  for (const prefix of ['captures/', 'labels/', 'rollouts/'])
    for await (const { key } of data.list(prefix)) await data.remove(key);
  await repository.store.remove(baselineKey('iris', 1));
  await changeRouting(repository, 'iris', REASON, () => ({ stable: 1, aliases: {} }));
  await startCapture(serving, 'iris');
});

const startPlan = (...guards: string[]) =>
  changeRouting(
    serving.repository,
    'iris',
    REASON,
    startCanary(planCanary({ version: 2, weight: 0.25, holdMs: 0, guards }, new Date(START_MS))),
  );
const look = async (broken: string[] = []) => {
  const { routing } = await serving.repository.routing('iris');
  const { repository, data } = serving;
  const onBroken = (key: string): void => void broken.push(key);
  return readRollout({ repository, data, nowMs: NOW_MS, onBroken }, 'iris', routing);
};

let units = 0;
const recordsOf = (
  arm: 'stable' | 'canary',
  count: number,
  label: string,
  rest: Partial<CaptureRecord> = {},
): CaptureRecord[] =>
  Array.from({ length: count }, () => {
    const version = arm === 'stable' ? 1 : 2;
    units += 1;
    return {
      ...{ id: createPredictionId('iris', version, START_MS), row: 0, rows: 1, model: 'iris', version, arm },
      ...{ time: new Date(START_MS + 60_000).toISOString(), source: 'request', status: 'ok', latency_ms: 1 },
      ...{ unit: String(units), label, score: 0.9, ...rest },
    };
  });
const capture = async (...records: CaptureRecord[]): Promise<void> => {
  const key = captureObjectKey('iris', START_MS + 60_000, 'test', objects++);
  await serving.data.write(key, gzipSync(records.map((record) => `${JSON.stringify(record)}\n`).join('')));
};
const tell = (records: readonly CaptureRecord[], word: Pick<Feedback, 'label' | 'value' | 'correct'>): Promise<void> =>
  storeFeedback(
    serving.data,
    records.map(({ id, row, version }) => ({
      ...{ id, row, time: new Date(NOW_MS).toISOString(), prediction: { day: DAY, model: 'iris', version } },
      ...word,
    })),
    NOW_MS,
  );
const baseline = async (task = 'tabular-classification'): Promise<void> => {
  const records = ['setosa', 'virginica'].flatMap((label) => recordsOf('stable', 200, label));
  const facts = { model: 'iris', version: 1, task, source: 'a test', by: 'a test' };
  await writeBaseline(serving.repository.store, makeBaseline(records, facts));
};

it('feedback on answers of the step counts, once for each caller, and that on others does not', async () => {
  await startPlan('accuracy');
  const stable = recordsOf('stable', 30, 'setosa');
  const canary = [
    ...recordsOf('canary', 5, 'virginica'),
    ...recordsOf('canary', 20, 'virginica', { unit: 'one caller' }),
  ];
  const others = [
    ...recordsOf('canary', 9, 'virginica', { time: new Date(START_MS - 1).toISOString() }), // an earlier step
    ...recordsOf('canary', 9, 'virginica', { version: 3 }),
    ...recordsOf('canary', 9, 'virginica').map(({ unit: _unit, ...record }) => record), // a caller who does not count
  ];
  await capture(...stable, ...canary, ...others);
  await tell([...stable, ...canary, ...others], { label: 'setosa' });
  expect((await look())?.counts.answers).toMatchObject({
    captured: { stable: 30, canary: 6 },
    judged: { stable: 30, canary: 6 },
    wrong: { stable: 0, canary: 6 },
  });
});

it('a look reads the objects that came since the last one, and finds the same as a new process', async () => {
  await startPlan('accuracy');
  const reads: string[] = [];
  const data: typeof serving.data = {
    ...serving.data,
    read: async (key, most) => {
      if (key.startsWith('captures/')) reads.push(key);
      return serving.data.read(key, most);
    },
  };
  const { repository } = serving;
  const { routing } = await repository.routing('iris');
  const lookAgain = () => readRollout({ repository, data, nowMs: NOW_MS, onBroken: () => {} }, 'iris', routing);
  const first = recordsOf('stable', 30, 'setosa');
  await capture(...first);
  await lookAgain();
  await capture(...recordsOf('canary', 20, 'virginica'));
  await tell(first, { label: 'setosa' });
  const found = await lookAgain();
  expect(reads).toHaveLength(2);
  expect(found?.counts.answers).toMatchObject({ captured: { stable: 30, canary: 20 }, judged: { stable: 30 } });
  expect(found).toEqual(await look());
});

it('late feedback rolls back by the decision of the function, and the history has the counts', async () => {
  await startPlan('accuracy');
  const [stable, canary] = [recordsOf('stable', 60, 'setosa'), recordsOf('canary', 20, 'virginica')];
  await capture(...stable, ...canary);
  expect((await look())?.decision).toEqual({
    action: 'wait',
    note: 'accuracy: 0 of 100 requests with feedback, of each version, are counted',
  });
  await tell([...stable, ...canary], { label: 'setosa' });
  await serving.data.write('rollouts/iris/any.json', '{}'); // a function has counted
  await decideRollouts({
    ...{ repository: serving.repository, data: serving.data, nowMs: () => NOW_MS, maxMonthlyDollars: 0 },
    telemetry: { decided: async () => {}, judged: () => {}, scored: () => {}, spent: async () => {}, warned: () => {} },
  });
  const { routing } = await serving.repository.routing('iris');
  expect(routing.canary).toBeUndefined();
  expect(routing.history.at(-1)).toMatchObject({
    ...{ by: 'monitor', action: 'rollback' },
    note: 'accuracy: 20 wrong of 20 requests with feedback, stable 0 of 60',
  });
});

it('numbers as feedback tell of no answer whether it is right: the canary waits', async () => {
  await startPlan('accuracy');
  const all = [...recordsOf('stable', 200, 'setosa'), ...recordsOf('canary', 200, 'virginica')];
  await capture(...all);
  await tell(all, { value: 1 });
  expect((await look())?.decision).toMatchObject({
    action: 'wait',
    note: expect.stringMatching(/^accuracy: 0 of 100/),
  });
});

it('drift compares the answers in the bins of the stable version, and goes on when they are alike', async () => {
  await baseline();
  await startPlan('drift');
  const mixed = (arm: 'stable' | 'canary', count: number): CaptureRecord[] =>
    ['setosa', 'virginica'].flatMap((label) => recordsOf(arm, count, label));
  await capture(...mixed('stable', 300), ...mixed('canary', 100));
  expect((await look())?.decision).toMatchObject({ action: 'raise', weight: 0.5 });
  await capture(...recordsOf('canary', 100, 'a label that nobody has seen'));
  expect((await look())?.decision).toEqual({
    action: 'rollback',
    note: expect.stringMatching(
      /^drift: label (others|beyond the baseline) in 100 of 300 captured requests, stable 0 of 600$/,
    ),
  });
});

it('a canary waits without a baseline, or with one of another task, and its other guards go on', async () => {
  await startPlan('drift', 'accuracy');
  const [stable, canary] = [recordsOf('stable', 200, 'setosa'), recordsOf('canary', 200, 'virginica')];
  await capture(...stable, ...canary);
  expect((await look())?.decision.note).toMatch(
    /^drift: version 1 has no baseline of its answers: npx onnx-serverless/,
  );
  await baseline('image-classification');
  expect((await look())?.decision).toEqual({
    action: 'wait',
    note: expect.stringMatching(
      /^drift: .+ for image-classification, expected iris version 1 for tabular-classification; make it again/,
    ),
  });
  await tell([...stable, ...canary], { label: 'setosa' });
  expect((await look())?.decision).toMatchObject({ action: 'rollback', note: expect.stringMatching(/^accuracy: /) });
});

it('a canary waits when the capture ends, and a damaged object is named', async () => {
  await startPlan('accuracy');
  const key = captureObjectKey('iris', START_MS, 'test', objects++);
  await serving.data.write(key, 'no gzip');
  const broken: string[] = [];
  await look(broken);
  expect(broken).toEqual([key]);
  await startCapture(serving, 'iris', { share: 0 });
  expect((await look())?.decision).toEqual({
    action: 'wait',
    note: 'accuracy: no answers are captured: npx onnx-serverless monitor iris --capture 100%',
  });
});

it('functions write the unit of requests that count for a canary alone, and no key as it is', async () => {
  await startPlan('accuracy');
  serving.clock.nowMs += 100_000;
  const ask = async (path: string, key?: string): Promise<void> => {
    const headers = { 'content-type': 'application/json', ...(key && { 'x-routing-key': key }) };
    const body = JSON.stringify({ inputs: [[5.1, 3.5, 1.4, 0.2]] });
    expect((await serving.fetch(path, { method: 'POST', headers, body })).status).toBe(200);
  };
  await ask('/models/iris'); // the routing is read again behind it
  await serving.idle();
  for (const key of ['carol', 'carol', undefined, undefined]) await ask('/models/iris', key);
  await ask('/models/iris/versions/1', 'carol');
  const records = (await capturesOf(serving, 'iris')).slice(-5);
  const found = records.filter(({ arm }) => arm !== 'pinned').map(({ unit }) => unit);
  expect(found.every((unit) => /^[0-9a-f]{10}$/.test(unit ?? ''))).toBe(true);
  expect(new Set(found).size).toBe(3); // two requests of carol are one
  expect(records.filter(({ arm }) => arm === 'pinned').map(({ unit }) => unit)).toEqual([undefined]);
});
