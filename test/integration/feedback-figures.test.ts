import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { captureObjectKey } from '../../src/capture/keys.ts';
import { createPredictionId, dayOf } from '../../src/capture/prediction-id.ts';
import type { CaptureRecord } from '../../src/capture/record.ts';
import { createRandom } from '../../src/core/random.ts';
import { type Classified, confusionMatrix, scoreClassification } from '../../src/metrics/classification.ts';
import { scoreRegression } from '../../src/metrics/regression.ts';
import { scoreDay } from '../../src/monitoring/feedback/accuracy.ts';
import { createArmTally } from '../../src/monitoring/feedback/arm-tally.ts';
import { type Feedback, parseFeedback } from '../../src/monitoring/feedback/parse-feedback.ts';
import { listLabels, readLabels } from '../../src/monitoring/feedback/read-labels.ts';
import { scoreRecentDays } from '../../src/monitoring/feedback/score-days.ts';
import { storeFeedback } from '../../src/monitoring/feedback/store-feedback.ts';
import { startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

/** The figures of feedback, by captures and words that the test writes itself. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now();

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'iris');
  await startCapture(serving, 'iris');
});
afterAll(() => serving.remove());
beforeEach(async () => {
  for (const prefix of ['captures/', 'labels/'])
    for await (const { key } of serving.data.list(prefix)) await serving.data.remove(key);
});

const recordAt = (ms: number, rest: Partial<CaptureRecord> = {}): CaptureRecord => ({
  ...{ id: createPredictionId('iris', 1, ms), row: 0, rows: 1, time: new Date(ms).toISOString(), model: 'iris' },
  ...{
    version: 1,
    arm: 'stable',
    source: 'request',
    status: 'ok',
    latency_ms: 1,
    label: 'setosa',
    score: 0.9,
    ...rest,
  },
});
let objects = 0;
const capture = async (ms: number, ...records: CaptureRecord[]): Promise<void> => {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  await serving.data.write(captureObjectKey('iris', ms, 'test', objects++), gzipSync(lines));
};
const tell = (nowMs: number, ...words: (Pick<Feedback, 'id'> & Partial<Feedback>)[]): Promise<void> =>
  storeFeedback(
    serving.data,
    words.map((word) => parseFeedback(word, nowMs)),
    nowMs,
  );

it('feedback that comes a month late counts on the day of its prediction, and on no other', async () => {
  const then = NOW_MS - 30 * DAY_MS;
  const [old, young] = [recordAt(then), recordAt(NOW_MS)];
  await capture(then, old);
  await capture(NOW_MS, young);
  await tell(NOW_MS, { id: old.id, label: 'virginica' });
  expect(await scoreRecentDays(serving.data, 'iris', NOW_MS)).toMatchObject([
    { day: dayOf(then), versions: [{ served: 1, labelled: 1, accuracy: { right: 0 } }] },
  ]);
});

it('feedback that comes years late is refused, with the day', () => {
  const id = createPredictionId('iris', 1, NOW_MS - 3 * 365 * DAY_MS);
  const day = dayOf(NOW_MS - 3 * 365 * DAY_MS);
  expect(() => parseFeedback({ id, label: 'setosa' }, NOW_MS)).toThrow(
    `"id" is of ${day}: its prediction is no longer kept`,
  );
});

it('clocks may differ by some minutes: an id of tomorrow, and a word of a time to come', () => {
  const midnight = Date.parse('2026-11-26T00:00:00Z');
  const id = createPredictionId('iris', 1, midnight + MINUTE_MS);
  expect(parseFeedback({ id, correct: true }, midnight - 5 * MINUTE_MS).prediction.day).toBe('2026-11-26');
  expect(() => parseFeedback({ id, correct: true }, midnight - 15 * MINUTE_MS)).toThrow(/a day to come/);
  const timeOf = (time: string): string => parseFeedback({ id, correct: true, time }, midnight).time;
  expect(timeOf('2026-11-26T00:05:00Z')).toBe('2026-11-26T00:05:00.000Z');
  expect(timeOf('2026-11-26T00:15:00Z')).toBe('2026-11-26T00:00:00.000Z');
});

it('a day in parts has the figures of the whole day', async () => {
  const random = createRandom(3);
  const labels = ['setosa', 'virginica', 'versicolor'];
  const any = (): string => labels[Math.floor(random() * 3)] ?? '';
  const records = Array.from({ length: 400 }, (_, index) =>
    recordAt(NOW_MS, { label: any(), score: random(), version: 1 + (index % 2), arm: index % 3 ? 'stable' : 'shadow' }),
  );
  await capture(NOW_MS, ...records.slice(0, 250));
  await capture(NOW_MS, ...records.slice(250));
  const told = records.slice(100).map(({ id }) => ({ id, label: any() }));
  const unknown = Array.from({ length: 5 }, () => ({ id: recordAt(NOW_MS).id, correct: true }));
  await tell(NOW_MS - MINUTE_MS, ...told, ...unknown);
  await tell(NOW_MS, ...told.slice(0, 50).map(({ id }) => ({ id, label: any() })));
  await serving.data.write(captureObjectKey('iris', NOW_MS, 'broken', 0), 'no gzip');

  const day = dayOf(NOW_MS);
  const [whole, parts] = [await scoreDay(serving.data, 'iris', day), await scoreDay(serving.data, 'iris', day, 5_000)];
  expect(whole).toMatchObject({ replaced: 50, unknown: { count: 5 }, damaged: [{ problem: expect.any(String) }] });
  expect(whole.versions).toHaveLength(4);
  const comparable = ({ unknown: { count, ids }, ...rest }: typeof whole) => ({ ...rest, count, ids: ids.toSorted() });
  const close = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (_key, each) => (typeof each === 'number' ? Number(each.toPrecision(12)) : each));
  expect(close(comparable(parts))).toEqual(close(comparable(whole)));
});

it('labels that callers make up without end are one beyond 10,000, and all count as wrong', () => {
  const tally = createArmTally(1, 'stable');
  const record = recordAt(NOW_MS, { label: 'setosa' });
  for (let made = 0; made < 12_000; made += 1) tally.add(record, { label: `made up ${made}`, atMs: NOW_MS, object: 0 });
  tally.add(record, { label: 'setosa', atMs: NOW_MS, object: 0 });
  const { macroF1, accuracy } = tally.figures();
  expect(accuracy).toMatchObject({ right: 1, of: 12_001 });
  const classes = 10_000 + 2; // "other" and setosa
  expect(macroF1).toBeCloseTo(2 / (12_001 + 1) / classes, 12);
});

it('feedback that was deleted after it was listed is not damaged', async () => {
  await tell(NOW_MS, { id: recordAt(NOW_MS).id, correct: true });
  const objects = await listLabels(serving.data, 'iris', dayOf(NOW_MS));
  for (const { key } of objects) await serving.data.remove(key);
  expect(await readLabels(serving.data, objects, () => true)).toEqual({ last: new Map(), replaced: 0, damaged: [] });
});

it('counts have the figures of the metrics of evaluate, and labels beyond fifty are one', () => {
  const random = createRandom(4);
  const samples = Array.from({ length: 5_000 }, (): Classified => {
    const label = Math.floor(60 * random() ** 2);
    return { truth: `label ${label}`, predicted: `label ${random() < 0.7 ? label : Math.floor(60 * random())}` };
  });
  const tally = createArmTally(1, 'stable');
  for (const { truth, predicted } of samples)
    tally.add(recordAt(NOW_MS, { label: predicted }), { label: truth, atMs: NOW_MS, object: 0 });
  const { macroF1, accuracy, confusion = {}, labelled } = tally.figures();
  const { accuracy: share, macroF1: expected = 0 } = scoreClassification(samples).figures();
  expect({ labelled, value: accuracy?.value }).toEqual({ labelled: 5_000, value: share });
  expect(macroF1).toBeCloseTo(expected, 12);
  expect(Object.keys(confusion)).toHaveLength(51);
  const whole = confusionMatrix(samples);
  expect(confusion['label 0']?.['label 0']).toBe(whole['label 0']?.['label 0']);
  const cells = Object.values(confusion).flatMap((row) => Object.values(row));
  expect(cells.reduce((sum, times) => sum + times, 0)).toBe(5_000);
});

it('numbers as feedback have the errors of the metrics of evaluate, and tell nothing of accuracy', () => {
  const samples = [1, 2, 4, 8].map((truth) => ({ truth, predicted: truth + 0.5 * truth ** 2 }));
  const tally = createArmTally(1, 'stable');
  for (const { truth, predicted } of samples) {
    const { label: _label, ...record } = recordAt(NOW_MS, { value: predicted });
    tally.add(record, { value: truth, atMs: NOW_MS, object: 0 });
  }
  const { mae, rmse } = scoreRegression(samples).figures();
  const figures = tally.figures();
  expect(figures.regression).toEqual({ mae, rmse, of: 4 });
  expect(figures.accuracy).toBeUndefined();
});
