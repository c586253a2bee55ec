import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRows } from '../formats/table-rows.ts';
import { FIXTURES } from '../image-parity.ts';
import { measureBoosting } from './boosting.ts';
import { measureKeras } from './keras.ts';
import type { ParityRow } from './parity-row.ts';
import { measureSklearn } from './sklearn.ts';
import { measureHashing } from './sklearn-hashing.ts';
import { measureOthers } from './sklearn-others.ts';
import { measurePredictors, measureTexts } from './sklearn-texts.ts';
import { measureTransformers } from './sklearn-transformers.ts';

/** Rows that the tests send, of test/reference/table_rows.py. */
export const TEST_ROWS = makeRows(2, 1_000);

/** Comparisons of imported models, by the folder in test/fixtures/formats that has their record. */
export const PARITY_RECORDS: Readonly<Record<string, () => Promise<ParityRow[]>>> = {
  sklearn: measureSklearn,
  'sklearn-preprocessing': () => measureTransformers('sklearn-preprocessing', TEST_ROWS),
  xgboost: () => measureBoosting('xgboost'),
  lightgbm: () => measureBoosting('lightgbm'),
  keras: measureKeras,
  'sklearn-text': async () => [...(await measureTexts()), ...(await measurePredictors(TEST_ROWS))],
  'sklearn-hashing': measureHashing,
  'sklearn-others': measureOthers,
};

export const recordPath = (folder: string): string => join(FIXTURES, 'formats', folder, 'parity.json');

export const readParityRecord = async (folder: string): Promise<ParityRow[]> =>
  JSON.parse(await readFile(recordPath(folder), 'utf8'));
