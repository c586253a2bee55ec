import { expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { toArray, toObject, toObjects } from '../../../support/formats/py-objects.ts';
import { convertTransformer, openGraph } from '../../../support/formats/sklearn-graph.ts';

it('an OrdinalEncoder that groups rare categories gives a missing value the number that it has for it', async () => {
  // What scikit-learn 1.9.1 has after fitting on 10 "a", 8 "b", 3 "c", 2 "d" and 4 missing values, with max_categories=3.
  const encoder = toObject('sklearn.preprocessing._encoders.OrdinalEncoder', {
    ...{ n_features_in_: 1, handle_unknown: 'use_encoded_value', unknown_value: -1, encoded_missing_value: -5 },
    categories_: [toObjects(['a', 'b', 'c', 'd', Number.NaN])],
    _default_to_infrequent_mappings: [toArray([4], [0, 1, 2, 2])],
  });
  const session = await openGraph(convertTransformer(encoder, '1.9.1').model);
  const words = ['a', 'b', 'c', 'd', '', 'unknown'];
  const { Y } = await session.run({ x0: new ort.Tensor('string', words, [words.length, 1]) });
  await session.release();
  expect([...Object(Y?.data)]).toEqual([0, 1, 2, 2, -5, -1]);
});
