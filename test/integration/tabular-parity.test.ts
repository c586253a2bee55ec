import { describe, expect, it } from '@jest/globals';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar, type ParityRow } from '../support/parity/parity-row.ts';
import { measureTabularClassification, measureTabularRegression } from '../support/parity/tabular.ts';

const failures = (rows: readonly ParityRow[]): ParityRow[] => rows.filter((row) => row.inputs < 25 || isOverBar(row));

/** Made by test/reference/tabular.py with scikit-learn and skl2onnx. */
describe('tables against scikit-learn', () => {
  it('are classified as it does', async () => {
    const rows = await measureTabularClassification();
    expect(rows.map(({ model }) => model)).toEqual(
      expect.arrayContaining(['tabular-mixed', 'tabular-imputed', 'tabular-forest']),
    );
    expect(failures(rows)).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('tabular-classification'));
  });

  it('are given the numbers that it gives', async () => {
    const rows = await measureTabularRegression();
    expect(rows.map(({ model }) => model)).toEqual(expect.arrayContaining(['tabular-boosting', 'tabular-ridge']));
    expect(failures(rows)).toEqual([]);
    expect(toBars(rows)).toBe(await barsOnPage('tabular-regression'));
  });
});
