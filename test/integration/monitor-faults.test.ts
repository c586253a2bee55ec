import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { captureObjectKey } from '../../src/capture/keys.ts';
import { createPredictionId } from '../../src/capture/prediction-id.ts';
import { ServingError } from '../../src/core/errors.ts';
import { readHour } from '../../src/monitoring/drift/hour-document.ts';
import { scoreRecentDays } from '../../src/monitoring/feedback/score-days.ts';
import type { DriftReport, Monitor, RolloutReport } from '../../src/monitoring/job.ts';
import { planCanary, startCanary } from '../../src/monitoring/rollouts/plan.ts';
import { noCounts } from '../../src/monitoring/rollouts/step-counts.ts';
import { runJobs } from '../../src/monitoring/run-jobs.ts';
import { stepPrefix } from '../../src/repository/keys.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

/** The monitor beside a second one, while S3 takes nothing, and with a clock of its own. */

const HOUR_MS = 3_600_000;
const NOW_MS = Date.now();
const JOBS = ['feedback', 'drift', 'accuracy', 'rollouts'];
const REASON = { by: 'a test', action: 'test' };

let serving: TestServing;
let judged: DriftReport[] = [];
let decided: RolloutReport[] = [];
let warnings: string[] = [];
let refuses = false;

beforeAll(async () => {
  serving = await createTestServing();
  for (let version = 1; version <= 2; version += 1) await pushNamed(serving.repository, 'iris');
});
afterAll(() => serving.remove());
beforeEach(async () => {
  [judged, decided, warnings, refuses] = [[], [], [], false];
  for (const prefix of ['captures/', 'labels/', 'feedback/', 'monitoring/', 'rollouts/'])
    for await (const { key } of serving.data.list(prefix)) await serving.data.remove(key);
  await changeRouting(serving.repository, 'iris', REASON, () => ({ stable: 1, aliases: {} }));
  await startCapture(serving, 'iris');
});

/** A store that takes nothing while it refuses. */
const refusing = <Store extends ObjectStore>(store: Store): Store => {
  const write: ObjectStore['write'] = async (key, body, options) => {
    if (refuses) throw new ServingError('MODEL_UNAVAILABLE', 'S3 does not take it');
    return store.write(key, body, options);
  };
  return { ...store, write };
};

const monitor = (nowMs = NOW_MS): Monitor => ({
  repository: createModelRepository(refusing(serving.repository.store)),
  data: refusing(serving.data),
  nowMs: () => nowMs,
  maxMonthlyDollars: 0,
  telemetry: {
    decided: async (report) => void decided.push(report),
    judged: (report) => void judged.push(report),
    scored: () => {},
    spent: async () => {},
    warned: (message, { message: reason }) => void warnings.push(`${message}: ${reason}`),
  },
});

/** Captures answers of an hour, and gives the id of one. */
const capture = async (ms: number, environment = 'test'): Promise<string> => {
  const id = createPredictionId('iris', 1, ms);
  const record = { id, row: 0, rows: 1, time: new Date(ms).toISOString(), model: 'iris', version: 1, arm: 'stable' };
  const line = JSON.stringify({ ...record, source: 'request', status: 'ok', latency_ms: 1, label: 'setosa' });
  await serving.data.write(captureObjectKey('iris', ms, environment, 0), gzipSync(`${line}\n`));
  return id;
};

/** Starts a canary, and counts that all of its requests fail. */
const startFailingCanary = async (): Promise<void> => {
  const since = new Date(NOW_MS - HOUR_MS);
  const plan = planCanary({ version: 2, weight: 0.25, holdMs: 0, guards: ['errors'] }, since);
  await changeRouting(serving.repository, 'iris', REASON, startCanary(plan));
  const { stable, canary, ...counts } = noCounts();
  const failed = { ...canary, requests: 100, errors: { alone: 100, keys: [] } };
  const text = JSON.stringify({ ...counts, stable: { ...stable, requests: 300 }, canary: failed });
  await serving.data.write(`${stepPrefix('iris', 2, since.toISOString())}test.json`, text);
};
const historyOf = async () => (await serving.repository.routing('iris')).routing.history;

const prepare = async (): Promise<void> => {
  const id = await capture(NOW_MS - HOUR_MS);
  await serving.data.write('feedback/labels.csv', `id,correct\n${id},true\n`);
  await startFailingCanary();
};
const labelled = async () =>
  (await scoreRecentDays(serving.data, 'iris', NOW_MS)).flatMap(({ versions, replaced }) =>
    versions.map((version) => ({ labelled: version.labelled, replaced })),
  );

it('two monitors at once do each thing once', async () => {
  await prepare();
  const changes = (await historyOf()).length;
  await Promise.all([runJobs(monitor(), JOBS), runJobs(monitor(), JOBS)]);
  expect(warnings).toEqual([]);
  expect(judged).toHaveLength(1);
  expect(decided).toMatchObject([{ version: 2, action: 'rollback' }]);
  expect((await historyOf()).slice(changes)).toMatchObject([{ by: 'monitor', action: 'rollback' }]);
  expect(await labelled()).toEqual([{ labelled: 1, replaced: 0 }]);
});

it('while S3 takes nothing, the monitor says so and tells of nothing, and does all of it afterwards', async () => {
  await prepare();
  refuses = true;
  await runJobs(monitor(), JOBS);
  expect({ judged, decided }).toEqual({ judged: [], decided: [] });
  expect(warnings).toEqual([
    'the feedback in feedback/labels.csv was not taken: S3 does not take it',
    'the drift of model iris was not judged: S3 does not take it',
    'the canary of model iris was not judged: S3 does not take it',
  ]);
  refuses = false;
  await runJobs(monitor(), JOBS);
  expect(judged).toMatchObject([{ model: 'iris', samples: 1 }]);
  expect(decided).toMatchObject([{ version: 2, action: 'rollback' }]);
  expect(await labelled()).toEqual([{ labelled: 1, replaced: 0 }]);
});

it('feedback that S3 does not take is answered as a passing failure, and none of it counts', async () => {
  const data = refusing(serving.data);
  const closed = await createTestServing({ data });
  try {
    await pushNamed(closed.repository, 'iris');
    const body = JSON.stringify({ id: createPredictionId('iris', 1, NOW_MS), correct: true });
    const send = () => closed.fetch('/feedback', { method: 'POST', body });
    refuses = true;
    const refused = await send();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    refuses = false;
    expect((await send()).status).toBe(200);
  } finally {
    await closed.remove();
  }
});

describe('clocks that differ by minutes', () => {
  const hourMs = Math.floor(NOW_MS / HOUR_MS) * HOUR_MS;

  it('lose no record: an hour is judged again when a function whose clock is behind writes into it', async () => {
    await capture(hourMs - 2 * 60_000, 'first');
    await runJobs(monitor(hourMs + 60_000), ['drift']);
    expect(judged).toMatchObject([{ samples: 1 }]);
    await capture(hourMs - 60_000, 'behind');
    await runJobs(monitor(hourMs + 3 * 60_000), ['drift']);
    expect(judged.map(({ samples }) => samples)).toEqual([1, 2]);
  });

  it('nor does a monitor whose clock is ahead: it judges the hour early, and again', async () => {
    await capture(hourMs - 10 * 60_000, 'early');
    await runJobs(monitor(hourMs + 60_000), ['drift']);
    await capture(hourMs - 2 * 60_000, 'later');
    await runJobs(monitor(hourMs + HOUR_MS + 60_000), ['drift']);
    const hour = await readHour(serving.data, 'iris', hourMs - 1);
    expect(hour?.hour).toMatchObject({ objects: 2, versions: { 1: { samples: 2 } } });
  });
});
