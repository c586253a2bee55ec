import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURES } from '../image-parity.ts';
import { measureBoosting } from './boosting.ts';
import { measureKeras } from './keras.ts';
import type { ParityRow } from './parity-row.ts';

/** Comparisons of imported models, by the folder in test/fixtures/formats that has their record. */
export const PARITY_RECORDS: Readonly<Record<string, () => Promise<ParityRow[]>>> = {
  xgboost: () => measureBoosting('xgboost'),
  lightgbm: () => measureBoosting('lightgbm'),
  keras: measureKeras,
};

export const recordPath = (folder: string): string => join(FIXTURES, 'formats', folder, 'parity.json');

export const readParityRecord = async (folder: string): Promise<ParityRow[]> =>
  JSON.parse(await readFile(recordPath(folder), 'utf8'));
