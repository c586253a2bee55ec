import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { COLUMNS } from '../../../../src/formats/sklearn/columns.ts';
import { CONVERTERS } from '../../../../src/formats/sklearn/converters.ts';
import { PREPROCESSING } from '../../../../src/formats/sklearn/preprocessing.ts';
import { TEXT } from '../../../../src/formats/sklearn/text.ts';

it('the page on models of scikit-learn names every estimator that is converted', async () => {
  const words = new Set((await readFile('docs/import-scikit-learn.md', 'utf8')).match(/\w+/g));
  const transformers = new Set(Object.keys({ ...PREPROCESSING, ...COLUMNS, ...TEXT }));
  const missing = Object.keys(CONVERTERS).filter(
    (name) => !(words.has(name) || transformers.has(name) || name.startsWith('_')),
  );
  expect(missing).toEqual([]);
});
