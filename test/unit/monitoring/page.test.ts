import { stat } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { countValues, makeBins } from '../../../src/monitoring/drift/histogram.ts';
import { judgeWindow } from '../../../src/monitoring/drift/judge.ts';
import type { MonitoredModel } from '../../../src/monitoring/page/read-model.ts';
import { renderPage } from '../../../src/monitoring/page/render-page.ts';

const NOW_MS = Date.parse('2026-11-25T12:30:00Z');
const HOSTILE = '<script src="https://example.org">&\'"';

const numbers = (start: number): number[] => Array.from({ length: 400 }, (_, index) => start + index);
const bins = makeBins(numbers(0));
const features = { [HOSTILE]: { bins, counts: countValues(bins, numbers(0)) } };
const counts = { [HOSTILE]: countValues(bins, numbers(200)) };

const MODEL: MonitoredModel = {
  name: 'iris',
  nowMs: NOW_MS,
  routing: {
    ...{ formatVersion: 1, stable: 2, aliases: {}, deleted: [] },
    history: [
      {
        at: '2026-11-25T10:00:00Z',
        by: 'somebody',
        action: 'promote',
        from: null,
        to: { stable: 2, aliases: {} },
        note: HOSTILE,
      },
    ],
  },
  figures: { versions: new Map(), memoryMb: undefined, cost: 0, costs: new Map(), traffic: new Map(), broken: [] },
  traffic: [
    ['11:00', 3],
    ['12:00', 7],
  ],
  drift: {
    ...{ version: 2, hours: 24, samples: 400, labels: { [HOSTILE]: 400 }, counts, damaged: [] },
    baseline: {
      ...{
        formatVersion: 1,
        model: 'iris',
        version: 2,
        task: 'tensor',
        source: 'a file',
        samples: 400,
        by: 'me',
        at: '',
      },
      features,
    },
    judgement: judgeWindow(features, counts, 400),
  },
  accuracy: [
    {
      ...{ formatVersion: 1, model: 'iris', day: '2026-11-25', replaced: 0, damaged: [] },
      ...{ unknown: { count: 0, ids: [] }, objects: { labels: 1, captures: 1 } },
      versions: [
        {
          ...{ version: 2, arm: 'stable', served: 10, labelled: 4, coverage: 0.4, strangeLabels: [] },
          accuracy: { value: 0.75, right: 3, of: 4, low: 0.3, high: 0.95 },
          confusion: { [HOSTILE]: { setosa: 1 } },
        },
      ],
    },
  ],
};

const page = renderPage([MODEL], NOW_MS);

it('the page needs nothing else: no script, no address, and no text of others as HTML', () => {
  expect(page).not.toMatch(/<script/i);
  expect(page).not.toMatch(/(src|href)="(?!#)/);
  expect(page).toContain('&#60;script src=');
  expect(page).toContain("default-src 'none'");
});

it('the page shows both histograms of a feature, its verdict, accuracy with its interval, and the history', () => {
  expect(page).toContain('usually 10.0 %');
  expect(page).toContain('class="alarm">drift</strong>');
  expect(page).toContain('75.0 %, 30.0 % to 95.0 %');
  expect(page).toContain('4 of 10 (40.0 %)');
  expect(page).toContain('<td>promote</td>');
});

it('each chart has a name and its numbers, for those who do not see it', () => {
  const charts = page.match(/<svg/g)?.length ?? 0;
  expect(charts).toBeGreaterThanOrEqual(4);
  expect(page.match(/<svg role="img" aria-label="[^"]+"/g)).toHaveLength(charts);
  expect(page.match(/<summary>Numbers<\/summary>/g)).toHaveLength(charts);
});

it('the most frequent labels stand alone, all others together', () => {
  const labels = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`label ${index}`, index + 1]));
  const many = renderPage([{ ...MODEL, drift: { ...MODEL.drift, labels } }], NOW_MS);
  expect(many).toContain('label 299: 300');
  expect(many).not.toContain('label 279');
  expect(many).toContain(`others: ${(280 * 281) / 2}`);
});

it('a model that cannot be read stands with the reason', () => {
  const broken = renderPage([{ name: 'broken', problem: HOSTILE }, MODEL], NOW_MS);
  expect(broken).toContain('<h2>broken</h2><p class="alarm">&#60;script src=');
  expect(broken).toContain('<h2>iris</h2>');
});

it('a page without models is a page', () => {
  expect(renderPage([], NOW_MS)).toContain('<h1>Models</h1>');
});

it('the charts are smaller than a library', async () => {
  expect((await stat('src/monitoring/page/charts.ts')).size).toBeLessThan(5_000);
});
