import { expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import type { PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { toArray, toObject } from '../../../support/formats/py-objects.ts';

const BASE = { _sklearn_version: '1.7.2', n_features_in_: 2, missing_values: Number.NaN, add_indicator: false };

/** An imputer that had no value of its second column when it was fitted, and fills with 3 at first. */
const toImputer = (state: Readonly<Record<string, PyValue>>): PyValue =>
  toObject('sklearn.impute._iterative.IterativeImputer', {
    ...{ ...BASE, sample_posterior: false, _is_empty_feature: toArray([2], [0, 1]), imputation_sequence_: [] },
    initial_imputer_: toObject('sklearn.impute._base.SimpleImputer', {
      ...{ ...BASE, strategy: 'constant', statistics_: toArray([2], [3, 3]) },
    }),
    ...state,
  });

it.each<[string, Readonly<Record<string, PyValue>>, readonly number[], readonly number[]]>([
  ['leaves out', { keep_empty_features: false }, [2, 1], [3, 5]],
  ['keeps', { keep_empty_features: true }, [2, 2], [3, 3, 5, 3]],
])('an imputer without rounds %s a column that had no value', async (_, state, dims, values) => {
  const { onnx } = importSklearn(toImputer(state));
  const session = await ort.InferenceSession.create(Buffer.concat([...onnx]), { intraOpNumThreads: 1 });
  const [input = ''] = session.inputNames;
  const rows = new ort.Tensor('float64', [Number.NaN, Number.NaN, 5, Number.NaN], [2, 2]);
  const [answer] = Object.values(await session.run({ [input]: rows }));
  await session.release();
  expect(answer?.dims).toEqual(dims);
  expect([...Object(answer?.data)]).toEqual(values);
});
