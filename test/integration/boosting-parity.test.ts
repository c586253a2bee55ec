import { describe, expect, it } from '@jest/globals';
import { measureBoosting } from '../support/parity/boosting.ts';
import { readParityRecord } from '../support/parity/parity-records.ts';
import { isOverBar, type ParityRow } from '../support/parity/parity-row.ts';

const withoutWorst = (rows: readonly ParityRow[]) => rows.map(({ worst: _, ...row }) => row);

/** Made by test/reference/boosting.py with two versions of each library. */
describe('boosters against their library', () => {
  it.each(['xgboost', 'lightgbm'] as const)('%s: numbers and labels are those of predict', async (library) => {
    const rows = await measureBoosting(library);
    expect(rows.filter(isOverBar)).toEqual([]);
    expect(rows.every(({ inputs }) => inputs >= 1000)).toBe(true);
    const record = await readParityRecord(library);
    expect(withoutWorst(rows)).toEqual(withoutWorst(record));
    expect(record.filter(isOverBar)).toEqual([]);
  });
});
