/**
 * Runs the jobs of the monitor over a busy hour, and prints what they found as JSON. A process of its own, whose heap the caller bounds with
 * `--max-old-space-size`. Argument: the number of objects with a hundred records each.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { captureObjectKey } from '../../../src/capture/keys.ts';
import { createPredictionId } from '../../../src/capture/prediction-id.ts';
import type { CaptureRecord } from '../../../src/capture/record.ts';
import { createRandom } from '../../../src/core/random.ts';
import { makeBaseline, writeBaseline } from '../../../src/monitoring/drift/baseline.ts';
import type { DriftReport, Monitor, ScoreReport } from '../../../src/monitoring/job.ts';
import { planCanary, startCanary } from '../../../src/monitoring/rollouts/plan.ts';
import { readRollout } from '../../../src/monitoring/rollouts/read-rollout.ts';
import { runJobs } from '../../../src/monitoring/run-jobs.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { changeRouting } from '../../../src/repository/routing/change-routing.ts';
import { setCaptured } from '../../../src/repository/routing/rollout.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import { pushNamed } from '../serving.ts';

/** What the jobs found in a busy hour. */
export interface BusyHour {
  readonly drift: Pick<DriftReport, 'samples' | 'verdict'> | undefined;
  readonly score: Pick<ScoreReport, 'accuracy' | 'labels'> | undefined;
  /** Captured answers that the guards of a canary counted, and those with feedback. */
  readonly captured: number;
  readonly judged: number;
  readonly warnings: readonly string[];
}

const RECORDS = 100;
const COLUMNS = 20;
const MODEL = 'iris';
const objects = Number(process.argv[2]);
const nowMs = Date.now();
const hourMs = Math.floor(nowMs / 3_600_000) * 3_600_000 - 1_800_000;
const random = createRandom(14);
let units = 0;

const recordOf = (): CaptureRecord => ({
  ...{ id: createPredictionId(MODEL, 1, hourMs), row: 0, rows: 1, time: new Date(hourMs).toISOString(), model: MODEL },
  ...{ version: 1, arm: 'stable', source: 'request', status: 'ok', latency_ms: random(), unit: String(units++) },
  ...{ bytes: 20, type: 'application/json', label: random() < 0.5 ? 'setosa' : 'virginica', score: random() },
  features: Object.fromEntries(Array.from({ length: COLUMNS }, (_, column) => [`column ${column}`, random()])),
});

const directory = await mkdtemp(join(tmpdir(), 'busy-hour-'));
try {
  const data = createDirectoryStore(join(directory, 'data'));
  const repository = createModelRepository(createDirectoryStore(join(directory, 'models')));
  await pushNamed(repository, MODEL);
  const { task } = await repository.bundle(MODEL, 1);
  const usual = makeBaseline(Array.from({ length: 1_000 }, recordOf), {
    ...{ model: MODEL, version: 1, task, source: 'a test', by: 'a test' },
  });
  await writeBaseline(repository.store, usual);
  await changeRouting(repository, MODEL, { by: 'a test', action: 'capture' }, setCaptured(true));

  // Each answer has feedback, which says that nine of ten are right.
  const csv = ['id,correct'];
  for (let object = 0; object < objects; object += 1) {
    const records = Array.from({ length: RECORDS }, recordOf);
    for (const [row, { id }] of records.entries()) csv.push(`${id},${row % 10 !== 0}`);
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    await data.write(captureObjectKey(MODEL, hourMs, 'test', object), gzipSync(lines, { level: 1 }));
  }
  await data.write('feedback/labels.csv', csv.join('\n'));
  csv.length = 0;

  const drifts: DriftReport[] = [];
  const scores: ScoreReport[] = [];
  const warnings: string[] = [];
  const monitor: Monitor = {
    ...{ repository, data, nowMs: () => nowMs, maxMonthlyDollars: 0 },
    telemetry: {
      decided: async () => {},
      spent: async () => {},
      judged: (report) => drifts.push(report),
      scored: (report) => scores.push(report),
      warned: (message, { message: reason }) => warnings.push(`${message}: ${reason}`),
    },
  };
  await runJobs(monitor, ['feedback', 'drift', 'accuracy']);

  await pushNamed(repository, MODEL);
  const plan = planCanary({ version: 2, weight: 0.5, guards: ['accuracy', 'drift'] }, new Date(hourMs));
  await changeRouting(repository, MODEL, { by: 'a test', action: 'canary' }, startCanary(plan));
  const { routing } = await repository.routing(MODEL);
  const onBroken = (key: string): void => void warnings.push(key);
  const looks = [];
  for (let look = 0; look < 2; look += 1)
    looks.push(await readRollout({ repository, data, nowMs, onBroken }, MODEL, routing));
  const answers = looks.at(-1)?.counts.answers;

  const [drift, score] = [drifts[0], scores[0]];
  const found: BusyHour = {
    drift: drift && { samples: drift.samples, verdict: drift.verdict },
    score: score && { accuracy: score.accuracy, labels: score.labels },
    ...{ captured: answers?.captured.stable ?? 0, judged: answers?.judged.stable ?? 0, warnings },
  };
  process.stdout.write(JSON.stringify(found));
} finally {
  await rm(directory, { recursive: true, force: true });
}
