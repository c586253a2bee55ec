import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { CHART, PAGE, toPage } from '../support/choosing/page.ts';
import { readRecord } from '../support/choosing/record.ts';

it('the page on choosing has the recorded measurements at the prices of the table: npm run choosing:page', async () => {
  const { page, chart } = toPage(await readRecord());
  expect(await readFile(PAGE, 'utf8')).toBe(page);
  expect(await readFile(CHART, 'utf8')).toBe(chart);
});
