import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { formatAccuracy } from '../../cli/output/format-drift.ts';
import { captureObjectKey } from '../../src/capture/keys.ts';
import { dayOf } from '../../src/capture/prediction-id.ts';
import { scoreDay } from '../../src/monitoring/feedback/accuracy.ts';
import { accuracyKey } from '../../src/monitoring/feedback/accuracy-document.ts';
import type { Accuracy } from '../../src/monitoring/feedback/arm-tally.ts';
import { scoreDays, scoreRecentDays } from '../../src/monitoring/feedback/score-days.ts';
import { takeFeedbackFiles } from '../../src/monitoring/feedback/take-uploads.ts';
import type { Monitor, ScoreReport } from '../../src/monitoring/job.ts';
import { capturesOf, flushCaptures, startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const TODAY = new Date().toISOString().slice(0, 10);
const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.3, 3.3, 6.0, 2.5];
const TIMES = [/"time" is "yesterday"/, /"time" is "May 1"/, /"2026-02-31"/, /"time" is "2026-11-26T08:00", expected/];
const MADE_UP = `${TODAY.replaceAll('-', '')}-1-0123456789abcdef0123456789abcdef-iris`;

let serving: TestServing;
const warnings: string[] = [];
const scores: ScoreReport[] = [];

beforeAll(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'iris');
  await startCapture(serving, 'iris');
});
afterAll(() => serving.remove());

const monitor = (): Monitor => ({
  repository: serving.repository,
  data: serving.data,
  nowMs: Date.now,
  maxMonthlyDollars: 0,
  telemetry: {
    decided: async () => {},
    judged: () => {},
    scored: (report) => scores.push(report),
    spent: async () => {},
    warned: (message) => warnings.push(message),
  },
});

beforeEach(async () => {
  await flushCaptures(serving);
  for (const prefix of ['captures/', 'labels/', 'feedback/', 'monitoring/'])
    for await (const { key } of serving.data.list(prefix)) await serving.data.remove(key);
});

const predict = async (...rows: number[][]): Promise<string> => {
  const response = await serving.fetch('/models/iris', { method: 'POST', body: JSON.stringify({ inputs: rows }) });
  return response.headers.get('x-prediction-id') ?? '';
};

const tell = async (body: unknown, path = '/feedback', contentType = 'application/json') => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init = { method: 'POST', headers: { 'content-type': contentType }, body: text };
  const response = await serving.fetch(path, init);
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
};

const score = async (): Promise<Accuracy> => {
  await flushCaptures(serving);
  const { versions } = await scoreDay(serving.data, 'iris', TODAY);
  const [first] = versions;
  if (first === undefined) throw new Error('nothing was scored');
  return first;
};

describe('feedback', () => {
  it('on an answer counts for its version and arm, and the last word counts', async () => {
    const [one, two, three] = [await predict(SETOSA), await predict(VIRGINICA), await predict(SETOSA)];
    await predict(SETOSA);
    expect(await tell({ id: one, label: 'setosa' })).toMatchObject({
      status: 200,
      answer: { accepted: 1, refused: 0 },
    });
    await tell({ id: two, label: 'virginica', time: '2026-01-01T00:00:00Z' });
    await tell({ id: two, label: 'versicolor' });
    await tell({ id: three, correct: true }, '/models/iris/feedback');

    const accuracy = await score();
    expect(accuracy).toMatchObject({
      ...{ version: 1, arm: 'stable', served: 4, labelled: 3, coverage: 0.75, strangeLabels: ['versicolor'] },
      ...{ confusion: { setosa: { setosa: 1 }, versicolor: { virginica: 1 } }, accuracy: { right: 2, of: 3 } },
    });
    expect(accuracy.accuracy?.low).toBeCloseTo(0.2077, 4); // Wilson's interval of 2 of 3
    expect(accuracy.accuracy?.high).toBeCloseTo(0.9385, 4);
    expect(accuracy.calibration?.bins.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  });

  it('with a label that the model has not counts as wrong, and the label is told', async () => {
    const [one, two] = [await predict(SETOSA), await predict(SETOSA)];
    await tell([
      { id: one, label: 'Setosa' },
      { id: two, label: 'setosa' },
    ]);
    await flushCaptures(serving);
    const day = await scoreDay(serving.data, 'iris', TODAY);
    expect(day.versions).toMatchObject([{ accuracy: { right: 1, of: 2 }, strangeLabels: ['Setosa'] }]);
    expect(formatAccuracy([day])).toContain(
      `Labels that version 1 (stable) never answered on ${TODAY}, so they count as wrong: "Setosa"`,
    );
  });

  it('in a damaged line is left out, and the object is told', async () => {
    const id = await predict(SETOSA);
    const key = `labels/model=iris/day=${TODAY}/broken.jsonl`;
    await serving.data.write(
      key,
      `[1, 2]\n${JSON.stringify({ id, label: 'setosa', time: new Date().toISOString() })}\n{\n`,
    );
    await flushCaptures(serving);
    const text = formatAccuracy([await scoreDay(serving.data, 'iris', TODAY)]);
    expect(text).toContain(`${key} is damaged, and what cannot be read is left out: the feedback is [1,2]`);
    expect(text).toContain('1 of 1 (100 %)');
  });

  it('on the rows of a request is told apart', async () => {
    const id = await predict(SETOSA, VIRGINICA);
    await tell([
      { id, row: 0, label: 'setosa' },
      { id, row: 1, label: 'setosa' },
    ]);
    expect((await score()).accuracy).toMatchObject({ right: 1, of: 2 });
  });

  it('as JSON Lines is taken line by line, and each refused line is named', async () => {
    const id = await predict(SETOSA);
    const lines = [
      { id, label: 'setosa' },
      { id: 'none', label: 'setosa' },
      { id: MADE_UP.replace('-iris', '-nothing'), label: 'setosa' },
      { id: MADE_UP.replace('-1-', '-7-'), label: 'setosa' },
      { id, label: 'setosa', value: 1 },
      { id, label: 7 },
      { id, correct: 'yes' },
      { id, value: 'much' },
      { id, value: 1e308 },
      { id, row: -1, correct: true },
      { id, label: 'setosa', time: 'yesterday' },
      { id, label: 'setosa', time: 'May 1' },
      { id, label: 'setosa', time: '2026-02-31' },
      { id, label: 'setosa', time: '2026-11-26T08:00' },
      { id, label: 'setosa', colour: 'red' },
      { id: MADE_UP.replace(/^\d{8}/, '20990101'), correct: true },
      { id: MADE_UP.replace(/^\d{8}/, '20200101'), correct: true },
    ];
    const body = lines.map((line) => JSON.stringify(line)).join('\n');
    const { status, answer } = await tell(body, '/feedback', 'application/jsonl');
    expect({ status, ...answer }).toMatchObject({ status: 200, accepted: 1, refused: 16 });
    const problems = (answer.problems as { line: number; problem: string }[]).map(({ problem }) => problem);
    expect(problems).toEqual(
      [
        ...[
          /expected the x-prediction-id/,
          /model nothing has no version 1/,
          /no version 7/,
          /has 2 of "label"/,
          /"label" is 7/,
        ],
        ...[
          /"correct" is "yes"/,
          /"value" is "much"/,
          /"value" is 1e\+308/,
          /"row" is -1/,
          ...TIMES,
          /"colour" is unknown/,
        ],
        ...[/a day to come/, /no longer kept/],
      ].map((text) => expect.stringMatching(text)),
    );
  });

  it('names the first hundred problems', async () => {
    const { answer } = await tell('7\n'.repeat(101), '/feedback', 'application/jsonl');
    expect(answer).toMatchObject({ accepted: 0, refused: 101, problems: { length: 100 } });
  });

  it('on more than a hundred versions, which anybody can make up, is refused before each is looked up', async () => {
    const made = (count: number) =>
      Array.from({ length: count }, (_, of) => ({ id: `${MADE_UP}-${of}`, correct: true }));
    expect(await tell(made(100))).toMatchObject({ status: 200, answer: { accepted: 0, refused: 100 } });
    expect(await tell(made(101))).toMatchObject({ status: 413, answer: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  it('with a megabyte of empty lines behind it is refused, and no one waits for a search of them', async () => {
    expect(await tell(`{}${'\n'.repeat(1_000_000)}`)).toMatchObject({ status: 422 });
  });

  it('that is not UTF-8 is refused, rather than kept with other letters', async () => {
    const body = Buffer.from('{"id": "a", "label": "Z\xfcrich"}', 'latin1');
    const response = await serving.fetch('/feedback', { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('not UTF-8')]);
  });

  it.each([
    ['{', 400, /JSON/],
    ['[]', 200, /./],
    ['7', 422, /the feedback is 7, expected/],
    [JSON.stringify({ id: MADE_UP.replace('-iris', '-other'), correct: true }), 404, /model other has no version 1/],
  ])('%s alone is answered %i', async (body, status, text) => {
    const told = await tell(body);
    expect(told.status).toBe(status);
    expect(JSON.stringify(told.answer)).toMatch(text);
  });

  it('for another model than the path names is refused', async () => {
    const told = await tell({ id: MADE_UP.replace('-iris', '-sentiment'), correct: true }, '/models/iris/feedback');
    expect(told).toMatchObject({ status: 422, answer: { error: expect.stringMatching(/of the model "?sentiment/) } });
  });

  it('on an id that never was is told in the accuracy, and a damaged capture is named and left out', async () => {
    await tell({ id: MADE_UP, correct: true });
    const id = await predict(SETOSA);
    await tell({ id, correct: true });
    await flushCaptures(serving);
    const key = captureObjectKey('iris', Date.now(), 'damaged', 0);
    await serving.data.write(key, 'no gzip');
    const day = await scoreDay(serving.data, 'iris', TODAY);
    expect(day).toMatchObject({ unknown: { count: 1, ids: [MADE_UP] }, damaged: [{ key }] });
    expect(day.versions[0]).toMatchObject({ labelled: 1 });
  });

  it('of a clock that is ahead does not outdo later words', async () => {
    const id = await predict(SETOSA);
    await tell({ id, label: 'virginica', time: '2099-01-01T00:00:00Z' });
    await tell({ id, label: 'setosa' });
    expect((await score()).accuracy).toMatchObject({ right: 1, of: 1 });
  });
});

it('two months late counts for the day of its prediction, where captures are kept for so long', async () => {
  const id = await predict(SETOSA);
  const [record] = await capturesOf(serving, 'iris');
  const timeMs = Date.now() - 60 * 86_400_000;
  const day = dayOf(timeMs);
  const old = { ...record, id: `${day.replaceAll('-', '')}${id.slice(8)}`, time: new Date(timeMs).toISOString() };
  await serving.data.write(captureObjectKey('iris', timeMs, 'old', 0), gzipSync(`${JSON.stringify(old)}\n`));
  expect((await tell({ id: old.id, label: 'setosa' })).status).toBe(200);

  await scoreDays(monitor());
  const { body } = await serving.data.read(accuracyKey('iris', day));
  expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ day, versions: [{ labelled: 1 }] });
});

it('a day keeps its accuracy when its captures expire', async () => {
  const id = await predict(SETOSA);
  await tell({ id, correct: true });
  await flushCaptures(serving);
  await scoreDays(monitor());
  const stored = async () =>
    JSON.parse(Buffer.from((await serving.data.read(accuracyKey('iris', TODAY))).body).toString());
  const before = await stored();
  expect(before.versions).toMatchObject([{ labelled: 1 }]);
  for await (const { key } of serving.data.list('captures/')) await serving.data.remove(key);
  await scoreDays(monitor());
  expect(await stored()).toEqual(before);
});

it.each([
  '{"no":',
  '{"formatVersion": 1, "versions": [null], "objects": {"labels": 1, "captures": 9}}',
  '{"formatVersion": 1, "versions": [{"regression": {"rmse": null}}], "objects": {"labels": 1, "captures": 1}}',
])('a damaged document of an accuracy is made again: %s', async (damaged) => {
  const id = await predict(SETOSA);
  await tell({ id, correct: true });
  await flushCaptures(serving);
  await scoreDays(monitor());
  const { body } = await serving.data.read(accuracyKey('iris', TODAY));
  await serving.data.write(accuracyKey('iris', TODAY), damaged);
  expect((await scoreRecentDays(serving.data, 'iris', Date.now()))[0]).toMatchObject({ versions: [{ labelled: 1 }] });
  await scoreDays(monitor());
  expect(Buffer.from((await serving.data.read(accuracyKey('iris', TODAY))).body)).toEqual(Buffer.from(body));
});

describe('a file of feedback', () => {
  it('is taken once, with a report beside it, and scored by the job', async () => {
    const ids: string[] = [];
    for (let request = 0; request < 3; request += 1)
      ids.push(await predict(...Array.from({ length: 100 }, () => SETOSA)));
    await flushCaptures(serving);
    const rows = ids.flatMap((id) =>
      Array.from({ length: 100 }, (_, row) => `${id},${row},"${row < 90 ? 'setosa' : 'virginica'}"`),
    );
    await serving.data.write('feedback/labels.csv', ['id,row,label', ...rows, 'none,0,setosa'].join('\n'));
    await takeFeedbackFiles(monitor());
    const report = async () =>
      JSON.parse(Buffer.from((await serving.data.read('feedback/labels.csv.report.json')).body).toString());
    expect(await report()).toMatchObject({ accepted: 300, refused: 1, problems: [{ line: 302 }] });

    await scoreDays(monitor());
    expect(scores.at(-1)).toEqual({ model: 'iris', accuracy: 0.9, labels: 300 });
    const before = await serving.data.head(accuracyKey('iris', TODAY));
    await takeFeedbackFiles(monitor());
    await scoreDays(monitor());
    expect((await serving.data.head(accuracyKey('iris', TODAY))).etag).toBe(before.etag);
  });

  it('of 100,000 lines is taken', async () => {
    const line = `${MADE_UP},true`;
    await serving.data.write('feedback/much.csv', `id,correct\n${`${line}\n`.repeat(100_000)}`);
    await takeFeedbackFiles(monitor());
    const { body } = await serving.data.read('feedback/much.csv.report.json');
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ accepted: 100_000, refused: 0 });
  });

  it('has times in seconds, too, and the last one counts', async () => {
    const id = await predict(SETOSA);
    const lines = [`${id},setosa,1764147601`, `${id},virginica,1764147600`, `${id},virginica,2025-11-26T08:00:00Z`];
    await serving.data.write('feedback/times.csv', ['id,label,time', ...lines].join('\n'));
    await takeFeedbackFiles(monitor());
    expect((await score()).accuracy).toMatchObject({ right: 1, of: 1 }); // 08:00 is second 1,764,144,000
  });

  it('on predictions of too many days and models is refused as a whole, with a report', async () => {
    const lines = Array.from({ length: 101 }, (_, index) => `${MADE_UP}${index},true`);
    await serving.data.write('feedback/wide.csv', ['id,correct', ...lines].join('\n'));
    await takeFeedbackFiles(monitor());
    const { body } = await serving.data.read('feedback/wide.csv.report.json');
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({
      accepted: 0,
      problems: [{ problem: 'the feedback is on predictions of 101 days and models, at most 100 are taken at once' }],
    });
    for await (const { key } of serving.data.list('labels/')) throw new Error(`${key} was written`);
  });

  it('without a column of ids is reported', async () => {
    await serving.data.write('feedback/other.csv', 'name,label\na,b\n');
    await takeFeedbackFiles(monitor());
    const { body } = await serving.data.read('feedback/other.csv.report.json');
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({
      accepted: 0,
      problems: [{ problem: 'the header has no "id"' }],
    });
  });
});
