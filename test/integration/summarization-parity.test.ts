import { expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar } from '../support/parity/parity-row.ts';
import { measureSummarization } from '../support/parity/summarization.ts';

it('summarises as the pipeline of transformers, with the settings as shipped and with those of callers', async () => {
  const rows = await measureSummarization();
  expect(new Set(rows.map(({ model }) => model))).toEqual(new Set(['tiny-bart', 'tiny-t5']));
  expect(rows.filter(({ inputs }) => inputs < 25)).toEqual([]);
  expect(rows.filter(isOverBar)).toEqual([]);
  expect(toBars(rows)).toBe(await barsOnPage('summarization'));
});
