import { describe, expect, it } from '@jest/globals';
import { measureKeras } from '../support/parity/keras.ts';
import { readParityRecord } from '../support/parity/parity-records.ts';
import { isOverBar, type ParityRow } from '../support/parity/parity-row.ts';

const withoutWorst = (rows: readonly ParityRow[]) => rows.map(({ worst: _, ...row }) => row);

/** Made by test/reference/keras_models.py with Keras 2.15 and Keras 3. */
describe('models of Keras', () => {
  it('predict as Keras does, in either format and version', async () => {
    const rows = await measureKeras();
    expect(rows.filter(isOverBar)).toEqual([]);
    expect(rows.filter(({ inputs }) => inputs < 16)).toEqual([]);
    const record = await readParityRecord('keras');
    expect(withoutWorst(rows)).toEqual(withoutWorst(record));
    expect(record.filter(isOverBar)).toEqual([]);
  });
});
