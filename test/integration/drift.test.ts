import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { captureObjectKey } from '../../src/capture/keys.ts';
import type { CaptureRecord } from '../../src/capture/record.ts';
import { NEVER } from '../../src/core/deadline.ts';
import type { Features } from '../../src/core/features.ts';
import { createRandom } from '../../src/core/random.ts';
import { describeImages } from '../../src/media/image/features.ts';
import { makeBaseline, readBaseline, writeBaseline } from '../../src/monitoring/drift/baseline.ts';
import { type Judgement, judgeWindow } from '../../src/monitoring/drift/judge.ts';
import { judgeHours } from '../../src/monitoring/drift/judge-hours.ts';
import { judgeNow } from '../../src/monitoring/drift/judge-now.ts';
import { countRecords } from '../../src/monitoring/drift/tally.ts';
import type { DriftReport, Monitor } from '../../src/monitoring/job.ts';
import { baselineKey } from '../../src/repository/keys.ts';
import { deleteModel, deleteVersions } from '../../src/repository/versions/delete-versions.ts';
import { capturesOf, startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-25T12:30:00Z');
const FACTS = { model: 'iris', version: 1, task: 'tabular-classification', source: 'a test', by: 'a test' };

let serving: TestServing;
let reports: DriftReport[] = [];
let warnings: string[] = [];

beforeAll(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'iris');
  await startCapture(serving, 'iris');
});
afterAll(() => serving.remove());
beforeEach(async () => {
  [reports, warnings] = [[], []];
  for (const prefix of ['captures/', 'monitoring/'])
    for await (const { key } of serving.data.list(prefix)) await serving.data.remove(key);
});

const monitor = (nowMs = NOW_MS): Monitor => ({
  repository: serving.repository,
  data: serving.data,
  nowMs: () => nowMs,
  maxMonthlyDollars: 0,
  telemetry: {
    decided: async () => {},
    judged: (report) => reports.push(report),
    scored: () => {},
    spent: async () => {},
    warned: (message) => warnings.push(message),
  },
});

const random = createRandom(14);
const toRecord = (features: Features, timeMs = NOW_MS - HOUR_MS): CaptureRecord => ({
  ...{ id: String(random()), row: 0, rows: 1, time: new Date(timeMs).toISOString(), model: 'iris', version: 1 },
  ...{ arm: 'stable', source: 'request', status: 'ok', latency_ms: 1, bytes: 20, features },
});
const flowers = (count: number, shift = 0): Features[] =>
  Array.from({ length: count }, () => ({
    length: 5 + random() + shift,
    width: 3 + random(),
    colour: random() < 0.3 ? 'red' : 'blue',
  }));

let objects = 0;
const capture = async (records: readonly CaptureRecord[], timeMs = NOW_MS - HOUR_MS): Promise<string> => {
  const key = captureObjectKey('iris', timeMs, 'test', objects++);
  await serving.data.write(key, gzipSync(records.map((record) => `${JSON.stringify(record)}\n`).join('')));
  return key;
};
const judgementOf = async (hour: string) =>
  JSON.parse(Buffer.from((await serving.data.read(`monitoring/iris/2026-11-25/${hour}.json`)).body).toString());

describe('the hourly judgement', () => {
  beforeAll(async () => {
    const records = flowers(5_000).map((features) => toRecord(features));
    await writeBaseline(serving.repository.store, makeBaseline(records, FACTS));
  });

  it('finds nothing where nothing drifts, and does the same hour once', async () => {
    await capture(flowers(1_000).map((features) => toRecord(features)));
    await judgeHours(monitor());
    expect(reports).toEqual([
      expect.objectContaining({ model: 'iris', samples: 1_000, verdict: 'ok', drifted: [], worst: expect.anything() }),
    ]);
    await judgeHours(monitor());
    expect(reports).toHaveLength(1);
  });

  it('names the feature that drifts', async () => {
    await capture(flowers(500, 0.3).map((features) => toRecord(features)));
    await judgeHours(monitor());
    expect(reports).toMatchObject([{ verdict: 'drift', drifted: ['length'], worst: { feature: 'length' } }]);
    expect(await judgementOf('11')).toMatchObject({
      ...{ model: 'iris', day: '2026-11-25', hour: '11', objects: 1, damaged: [] },
      versions: { 1: { samples: 500, hours: 1, judgement: { features: { width: { verdict: 'ok' } } } } },
    });
  });

  it('of two monitors at once reports once', async () => {
    await capture(flowers(500).map((features) => toRecord(features)));
    await Promise.all([judgeHours(monitor()), judgeHours(monitor())]);
    expect(reports).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it('gives no verdict below 200 samples, and takes earlier hours together', async () => {
    await capture(flowers(150).map((features) => toRecord(features)));
    await judgeHours(monitor());
    expect(reports).toMatchObject([{ samples: 150, verdict: 'too few', worst: undefined, drifted: undefined }]);
    const later = NOW_MS + HOUR_MS;
    await capture(
      flowers(150).map((features) => toRecord(features, NOW_MS)),
      NOW_MS,
    );
    await judgeHours(monitor(later));
    expect(reports.at(-1)).toMatchObject({ samples: 150, verdict: 'ok' });
    expect((await judgementOf('12')).versions[1]).toMatchObject({ hours: 2, judgement: { samples: 300 } });
  });

  it('judges an hour again when records come late', async () => {
    const twoHoursAgo = NOW_MS - 2 * HOUR_MS;
    await capture(
      flowers(300).map((features) => toRecord(features, twoHoursAgo)),
      twoHoursAgo,
    );
    await judgeHours(monitor());
    await capture(
      flowers(300).map((features) => toRecord(features, twoHoursAgo)),
      twoHoursAgo,
    );
    await judgeHours(monitor());
    expect(await judgementOf('10')).toMatchObject({ objects: 2, versions: { 1: { samples: 600 } } });
  });

  it('makes a damaged document again, and does without it in later hours', async () => {
    for (const back of [2, 1]) {
      const timeMs = NOW_MS - back * HOUR_MS;
      await capture(
        flowers(150).map((features) => toRecord(features, timeMs)),
        timeMs,
      );
    }
    for (const hour of ['08', '10', '11'])
      await serving.data.write(`monitoring/iris/2026-11-25/${hour}.json`, '{"no":');
    await judgeHours(monitor());
    expect(warnings).toEqual([]);
    expect(reports).toMatchObject([{ samples: 150, verdict: 'ok' }]);
    expect((await judgementOf('11')).versions[1]).toMatchObject({ hours: 2, judgement: { samples: 300 } });
  });

  it('of an hour without traffic says that there was none', async () => {
    await judgeHours(monitor());
    expect(reports).toMatchObject([{ model: 'iris', samples: 0, verdict: 'no baseline', isSilent: false }]);
  });

  it('tells of a day without a captured answer, and not of hours that nobody judged', async () => {
    await capture(flowers(300).map((features) => toRecord(features)));
    for (let hour = 0; hour <= 24; hour += 1) await judgeHours(monitor(NOW_MS + hour * HOUR_MS));
    expect(reports.map(({ isSilent }) => isSilent)).toEqual([...new Array<boolean>(24).fill(false), true]);
    await capture(
      flowers(10).map((features) => toRecord(features, NOW_MS + 24 * HOUR_MS)),
      NOW_MS + 24 * HOUR_MS,
    );
    await judgeHours(monitor(NOW_MS + 25 * HOUR_MS));
    expect(reports.at(-1)).toMatchObject({ samples: 10, isSilent: false });
  });

  it('names a damaged object, and judges the others', async () => {
    await capture(flowers(300).map((features) => toRecord(features)));
    const key = await capture([]);
    await serving.data.write(key, gzipSync('{"id": 7}\n'));
    await judgeHours(monitor());
    expect(reports).toMatchObject([{ samples: 300, verdict: 'ok' }]);
    expect(warnings).toEqual([`${key} is damaged, and was left out`]);
  });

  it('tells missing values, values out of range and new categories from a moved distribution', async () => {
    const odd = flowers(400).map((features, index) => ({
      ...features,
      length: index % 2 === 0 ? null : (features.length ?? null),
      width: index % 3 === 0 ? 99 : (features.width ?? null),
      colour: index % 4 === 0 ? 'green' : (features.colour ?? null),
    }));
    await capture(odd.map((features) => toRecord(features)));
    await judgeHours(monitor());
    const { features } = (await judgementOf('11')).versions[1].judgement;
    expect(features).toMatchObject({
      length: { verdict: 'drift', aspect: 'missing', missingShare: 0.5 },
      width: { verdict: 'drift', strangeShare: expect.closeTo(0.335, 2) },
      colour: { verdict: 'drift', strangeShare: 0.25 },
    });
  });

  it('refuses a baseline of another task, and goes on', async () => {
    const { store } = serving.repository;
    const { body } = await store.read(baselineKey('iris', 1));
    await store.write(baselineKey('iris', 1), Buffer.from(body).toString().replace('tabular-classification', 'tensor'));
    await capture(flowers(300).map((features) => toRecord(features)));
    await judgeHours(monitor());
    expect(warnings).toEqual(['the drift of model iris was not judged']);
    await expect(readBaseline(store, 'iris', 1, 'tabular-classification')).rejects.toThrow(/make it again/);
    await store.write(baselineKey('iris', 1), body);
  });

  it('of a model that was renamed needs a baseline of the new name, and nothing is told of the old one', async () => {
    const { repository, data } = serving;
    await pushModel(repository, 'models/iris', { name: 'garden' });
    await startCapture(serving, 'garden');
    const { body } = await repository.store.read(baselineKey('iris', 1));
    await repository.store.write(baselineKey('garden', 1), body); // a copy of the folder
    await judgeHours(monitor());
    expect(reports).toMatchObject([{ model: 'garden' }, { model: 'iris' }]);
    await expect(judgeNow({ repository, data, nowMs: NOW_MS }, 'garden', 1)).rejects.toThrow(
      /is the baseline of iris version 1 .* expected garden version 1 .* monitor garden --baseline <file\|7d>/,
    );

    await deleteModel(repository, 'garden');
    await judgeHours(monitor(NOW_MS + HOUR_MS));
    expect(reports.slice(2)).toMatchObject([{ model: 'iris' }]);
    expect(warnings).toEqual([]);
  });

  it('of captures of a deleted version gives no verdict', async () => {
    await pushNamed(serving.repository, 'iris');
    await deleteVersions(serving.repository, 'iris', [2], { by: 'a test' });
    await capture(flowers(300).map((features) => ({ ...toRecord(features), version: 2 })));
    await judgeHours(monitor());
    expect(reports).toMatchObject([{ samples: 300, verdict: 'no baseline' }]);
  });

  it('refuses a baseline of too few samples', () => {
    expect(() =>
      makeBaseline(
        flowers(199).map((features) => toRecord(features)),
        FACTS,
      ),
    ).toThrow(/199 samples, at least 200/);
  });
});

/** Judges records against those of a baseline. */
const judge = (usual: readonly CaptureRecord[], now: readonly CaptureRecord[]): Judgement => {
  const baseline = makeBaseline(usual, FACTS);
  return judgeWindow(baseline.features, countRecords(now, baseline), now.length);
};

describe('drift of real data is found, and the right feature named', () => {
  it('in photos that are brighter', async () => {
    const photo = sharp('models/efficientnet-lite0/samples/coffee.jpg');
    const { data, info: raw } = await photo.raw().toBuffer({ resolveWithObject: true });
    const crops = async (brightness: number): Promise<CaptureRecord[]> => {
      const files: Uint8Array[] = [];
      for (let index = 0; index < 220; index += 1) {
        const region = { left: Math.floor(random() * 300), top: Math.floor(random() * 150), width: 125, height: 100 };
        files.push(await sharp(data, { raw }).extract(region).modulate({ brightness }).jpeg().toBuffer());
      }
      return (await describeImages({ files, isList: true }, NEVER)).map((features) => toRecord(features));
    };
    const usual = await crops(1);
    expect(judge(usual, await crops(1)).drifted).toEqual([]);
    const { drifted, worst } = judge(usual, await crops(1.6));
    expect(worst?.feature).toBe('brightness');
    expect(drifted).not.toContain('width');
  });

  it('in sentences of another domain, through the model', async () => {
    await pushNamed(serving.repository, 'sentiment');
    await startCapture(serving, 'sentiment');
    const sentencesOf = async (name: string) =>
      (await readFile(`models/sentiment/data/${name}_labelled.txt`, 'utf8'))
        .split('\n')
        .flatMap((line) => line.split('\t')[0] || []);
    const describeAll = async (texts: readonly string[]): Promise<CaptureRecord[]> => {
      for await (const { key } of serving.data.list('captures/')) await serving.data.remove(key);
      for (let start = 0; start < texts.length; start += 100) {
        const inputs = texts.slice(start, start + 100);
        const response = await serving.fetch('/models/sentiment', { method: 'POST', body: JSON.stringify({ inputs }) });
        expect(response.status).toBe(200);
      }
      return capturesOf(serving, 'sentiment');
    };
    const phones = await describeAll(await sentencesOf('amazon_cells'));
    const half = Math.floor(phones.length / 2);
    const shuffled = phones.toSorted(
      (one, other) => one.sha256?.localeCompare(other.sha256 ?? '') || one.row - other.row,
    );
    const [usual, same] = [
      shuffled.filter((_, index) => index % 2 === 0),
      shuffled.filter((_, index) => index % 2 === 1),
    ];
    expect(half).toBeGreaterThan(400);
    expect(judge(usual, same).drifted).toEqual([]);
    const { drifted } = judge(usual, await describeAll(await sentencesOf('imdb')));
    expect(drifted).toEqual(expect.arrayContaining(['characters', 'tokens']));
    expect(drifted).not.toContain('script');
  });

  it('in users of a shop who are new', async () => {
    await pushNamed(serving.repository, 'retail-recommender');
    await startCapture(serving, 'retail-recommender');
    const lines = (await readFile('models/retail-recommender/users.jsonl', 'utf8')).trim().split('\n');
    const histories = lines.map((line): string[] => JSON.parse(line).history).filter((history) => history.length > 0);
    const recommend = async (queries: readonly { history: readonly string[] }[]): Promise<CaptureRecord[]> => {
      for await (const { key } of serving.data.list('captures/')) await serving.data.remove(key);
      for (let start = 0; start < queries.length; start += 100) {
        const body = JSON.stringify({ inputs: queries.slice(start, start + 100) });
        const response = await serving.fetch('/models/retail-recommender', { method: 'POST', body });
        expect(response.status).toBe(200);
      }
      return capturesOf(serving, 'retail-recommender');
    };
    // Each user comes several times, with a part of the history.
    const visits = (times: number) =>
      histories.flatMap((history) =>
        Array.from({ length: times }, () => ({ history: history.slice(0, 1 + Math.floor(random() * history.length)) })),
      );
    const usual = await recommend(visits(6));
    const same = await recommend(visits(4));
    const fresh = await recommend(visits(4).map(({ history }) => ({ history: history.slice(0, 1) })));
    expect(judge(usual, same).drifted).not.toContain('history');
    expect(judge(usual, fresh).worst?.feature).toBe('history');
  });
});

it('the last hours are judged at once, the one that has not ended among them', async () => {
  const nowMs = Date.now();
  await capture(
    flowers(400, 0.4).map((features) => toRecord(features, nowMs)),
    nowMs,
  );
  const now = await judgeNow({ repository: serving.repository, data: serving.data, nowMs }, 'iris', 1);
  expect(now).toMatchObject({ samples: 400, judgement: { verdict: 'drift', drifted: ['length'] } });
});
