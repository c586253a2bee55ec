import { describe, expect, it } from '@jest/globals';
import { PARITY_RECORDS, readParityRecord } from '../support/parity/parity-records.ts';
import { isOverBar, type ParityRow } from '../support/parity/parity-row.ts';
import { compareTerms } from '../support/parity/sklearn-texts.ts';

const withoutWorst = (rows: readonly ParityRow[]) => rows.map(({ worst: _, ...row }) => row);

/** Least rows of a comparison. The models of keras.applications have references of 16 images. */
const leastRows = (model: string): number => (model.includes('with other statistics') ? 16 : 1_000);

/** Made by the scripts for each library in test/reference, with several versions of it. */
describe('imported models against their library', () => {
  it.each(Object.entries(PARITY_RECORDS))(
    '%s: numbers and labels are the same in every version',
    async (folder, measure) => {
      const rows = await measure();
      expect(rows.filter(isOverBar)).toEqual([]);
      expect(rows.filter(({ inputs, model }) => inputs < leastRows(model))).toEqual([]);
      const record = await readParityRecord(folder);
      expect(withoutWorst(rows)).toEqual(withoutWorst(record));
      expect(record.filter(isOverBar)).toEqual([]);
    },
  );

  it('texts of every script become the same terms', async () => {
    expect(await compareTerms()).toEqual([]);
  });
});
