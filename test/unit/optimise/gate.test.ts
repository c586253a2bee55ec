import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Answer, jsonAnswer } from '../../../src/core/answer.ts';
import { tensor } from '../../../src/core/tensor.ts';
import { type Attempt, bestOf, judgeGain, judgeLoss } from '../../../src/optimise/attempt.ts';
import { calibrate } from '../../../src/optimise/calibration.ts';
import { assertLabels, measureLoss } from '../../../src/optimise/loss.ts';
import { readSamples } from '../../../src/optimise/samples.ts';
import { similarityOf } from '../../../src/optimise/similarity.ts';

const sample = (label?: string) => ({
  name: 'a sample',
  payload: { inputs: '', parameters: {} },
  ...(label !== undefined && { label }),
});
const labelled = (label: string): Answer => jsonAnswer([[{ label, score: 0.9 }]]);
const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const box = (xmin: number) => ({ label: 'cat', score: 0.9, box: { xmin, ymin: 0, xmax: xmin + 10, ymax: 10 } });

describe('the similarity of two answers', () => {
  it.each([
    ['top label', [{ label: 'a', score: 0.9 }], [{ label: 'a', score: 0.4 }], 1],
    ['top label', [[{ label: 'a', score: 0.9 }]], [[{ label: 'b', score: 0.9 }]], 0],
    ['cosine', [[1, 0]], [[0, 1]], 0],
    ['cosine', [[1, 2]], [[2, 4]], 1],
    ['relative value', [10], [9], 0.9],
    ['words', [{ translation_text: 'a b c d' }], [{ translation_text: 'a b x d' }], 0.75],
    ['words', [{ summary_text: 'a b c d' }], [{ summary_text: 'a b x d' }], 0.75],
    ['words', { text: 'a b' }, { text: 'a b' }, 1],
    ['boxes', [box(0), box(50)], [box(1)], 2 / 3],
    ['entities', [{ entity: 'PER', start: 0, end: 3 }], [{ entity: 'LOC', start: 0, end: 3 }], 0],
    ['items', { items: [{ id: 'a' }, { id: 'b' }] }, { items: [{ id: 'b' }, { id: 'c' }] }, 0.5],
    ['same answer', { a: 1 }, { a: 1 }, 1],
  ])('is %s: %j and %j', (measure, original, changed, value) => {
    const found = similarityOf(jsonAnswer(original), jsonAnswer(changed));
    expect(found.measure).toBe(measure);
    expect(found.value).toBeCloseTo(value, 6);
  });

  it('of tensors is their cosine, and that of an answer that failed is 0', () => {
    const answer = (...values: number[]): Answer => ({
      kind: 'tensors',
      id: undefined,
      outputs: { y: tensor('float32', [values.length], Float32Array.from(values)) },
      binary: new Set(),
    });
    expect(similarityOf(answer(3, 4), answer(4, 3)).value).toBeCloseTo(0.96, 6);
    expect(similarityOf(answer(3, 4), answer(Number.NaN, 3)).value).toBe(0);
    expect(similarityOf(answer(3, 4), 'it failed').value).toBe(0);
  });
});

const classifier = { task: 'text-classification', settings: { labels: ['neg', 'pos'] } };

describe('a loss', () => {
  it('is that of accuracy where samples have labels, also by number', () => {
    const samples = [sample('pos'), sample('1'), sample('neg')];
    const originals = repeat(3, labelled('pos'));
    const loss = measureLoss(samples, originals, [labelled('pos'), labelled('neg'), labelled('neg')], classifier);
    expect(loss).toMatchObject({ metric: 'accuracy', original: 2 / 3, candidate: 2 / 3, samples: 3 });
    expect(loss.value).toBeCloseTo(0, 12);
  });

  const box = (xmin: number) => ({ label: 'cat', box: { xmin, ymin: 0, xmax: xmin + 10, ymax: 10 } });
  it.each([
    [
      'entities',
      'token-classification',
      [{ label: 'PER', start: 0, end: 4 }],
      [[{ entity_group: 'PER', start: 0, end: 4 }]],
      [[{ entity_group: 'ORG', start: 0, end: 4 }]],
      { metric: 'F1 of entities', original: 1, candidate: 0 },
    ],
    [
      'no entities',
      'token-classification',
      [],
      [[]],
      [[{ entity_group: 'PER', start: 0, end: 4 }]],
      { metric: 'F1 of entities', original: 1, candidate: 0 },
    ],
    [
      'boxes',
      'object-detection',
      [box(0), box(50)],
      [
        { ...box(1), score: 0.9 },
        { ...box(50), score: 0.8 },
      ],
      [{ ...box(1), score: 0.9 }],
      { metric: 'F1 of boxes', original: 1, candidate: 2 / 3 },
    ],
    [
      'texts',
      'translation',
      'ein gutes Wort',
      [{ translation_text: 'ein gutes Wort' }],
      [{ translation_text: 'ein Wort' }],
      { metric: 'words', original: 1, candidate: 2 / 3 },
    ],
  ])('is that of the labels where samples have %s', (_name, task, label, original, candidate, expected) => {
    const model = { task, settings: { labels: ['cat', 'B-PER'] } };
    const samples = repeat(2, { ...sample(), label });
    const answers = [jsonAnswer(candidate), 'it failed'];
    const { metric, ...loss } = measureLoss(samples, repeat(2, jsonAnswer(original)), answers, model);
    expect(metric).toBe(expected.metric);
    expect(loss.original).toBeCloseTo(expected.original, 12);
    expect(loss.candidate).toBeCloseTo(expected.candidate / 2, 12); // an answer that failed has nothing right
    expect(() => assertLabels(samples, [], model)).not.toThrow();
    expect(() => assertLabels([{ ...sample(), label: 3 }], [], model)).toThrow(/ has the label 3, expected /);
  });

  it.each([['good'], ['7'], [['pos']], [{ label: 'pos' }]])(
    'is not measured by a label that is no class: %j',
    (label) => {
      const samples = [{ ...sample(), label }];
      expect(() => assertLabels(samples, [labelled('pos')], classifier)).toThrow(
        / has the label .*, expected one of neg, pos, or its number/,
      );
    },
  );

  it('has a wide interval for few samples, and a narrow one for many', () => {
    const of = (count: number) =>
      measureLoss(repeat(count, sample()), repeat(count, labelled('a')), repeat(count, labelled('a')), classifier);
    expect(of(3).high).toBeGreaterThan(0.3);
    expect(of(600).high).toBeLessThan(0.01);
    expect(judgeLoss(of(3), { maxLoss: 0.01 })).toMatch(/the interval of 3 samples is that wide: give more samples/);
    expect(judgeLoss(of(600), { maxLoss: 0.01 })).toBeUndefined();
  });

  it('of cosines has the interval of Student; one sample says nothing', () => {
    const vectors = (...values: number[]): Answer[] => values.map((value) => jsonAnswer([[1, value]]));
    const loss = measureLoss(repeat(3, sample()), vectors(0, 0, 0), vectors(0.1, 0.2, 0.1), classifier);
    expect(loss.value).toBeCloseTo(0.00978, 4);
    expect(loss.high).toBeCloseTo(loss.value + (4.303 * 0.00835) / Math.sqrt(3), 3);
    expect(measureLoss([sample()], vectors(0), vectors(0.1), classifier).high).toBe(1);
  });
});

describe('the gate', () => {
  it.each([
    ['faster by a tenth', 0.9, 1, 0.85, true],
    ['smaller by a tenth', 1, 0.9, 0.95, true],
    ['neither', 0.95, 0.95, 0.9, false],
    ['smaller, and slower by a tenth', 1.15, 0.5, 1.1, false],
    ['smaller, and perhaps slower by a tenth', 1.15, 0.5, 1.05, true],
  ])('looks for a gain: %s', (_name, cpuMs, bytes, low, passes) => {
    const figures = { cpuMs, bytes, peakBytes: 1, createMs: 1 };
    expect(judgeGain(figures, { cpuMs: 1, bytes: 1 }, { low, high: 1.2 }) === undefined).toBe(passes);
  });

  it('takes the fastest, and of equally fast ones the smallest', () => {
    const attempt = (cpuMs: number, bytes: number, outcome: Attempt['outcome'] = 'passes'): Attempt => ({
      ...{ method: 'structure', kept: [], outcome, reason: '', originalCpuMs: 1 },
      figures: { cpuMs, bytes, peakBytes: 1, createMs: 1 },
    });
    const [fast, small] = [attempt(0.5, 0.9), attempt(0.51, 0.3)];
    expect(bestOf([attempt(0.9, 0.1), fast, small, attempt(0.1, 0.1, 'loses too much')])).toBe(small);
    expect(bestOf([attempt(0.1, 0.1, 'fails')])).toBeUndefined();
  });
});

describe('a calibration', () => {
  const histogram = new Float64Array(2048).fill(0);
  for (let bin = 0; bin < 400; bin += 1) histogram[bin] = 400 - bin;
  histogram[2047] = 1;
  const ranges = new Map([['x', [-1, 8] as const]]);
  const histograms = new Map([['x', histogram]]);

  it('keeps the whole range, or leaves out what is rare', () => {
    expect(calibrate('minmax', ranges, histograms).get('x')).toEqual([-1, 8]);
    for (const name of ['percentile', 'entropy'] as const) {
      const [low, high] = calibrate(name, ranges, histograms).get('x') ?? [0, 0];
      expect(low).toBe(-1);
      expect(high).toBeGreaterThan(1);
      expect(high).toBeLessThan(2);
    }
  });
});

describe('samples', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'samples-'));
  });
  afterEach(() => rm(root, { recursive: true }));
  const write = async (name: string, text: string): Promise<string> => {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
    return join(root, name);
  };

  it('are requests of one input each, with their labels as texts', async () => {
    const path = await write('a.jsonl', '{"text": "good", "label": 1}\n{"text": "bad"}\n');
    const { samples, sha256 } = await readSamples(path, 'text-classification');
    expect(samples.map(({ payload, label }) => [payload.inputs, label])).toEqual([
      [['good'], '1'],
      [['bad'], undefined],
    ]);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are files, whose folders name their labels', async () => {
    await write('cat/1.txt', 'mew');
    await write('dog/1.txt', 'wow');
    const { samples } = await readSamples(root, 'image-classification');
    expect(samples.map(({ payload, label }) => [String(payload.inputs), label])).toEqual([
      ['mew', 'cat'],
      ['wow', 'dog'],
    ]);
  });

  it('are refused when there are none', async () => {
    await expect(readSamples(await write('a.jsonl', '\n'), 'tensor')).rejects.toThrow(/a\.jsonl has no samples/);
  });
});
