import { describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../../src/core/errors.ts';
import { importXgboost } from '../../../../src/formats/xgboost/import-xgboost.ts';
import { predict, toJson, XGBOOST_STUMP, xgboostDocument } from '../../../support/boosters.ts';
import { readModel } from '../../../support/parity/boosting.ts';

const stump = (changes: Readonly<Record<string, unknown>>) =>
  xgboostDocument({ trees: [{ ...XGBOOST_STUMP, ...changes }] });

/** A model whose first column has categories, as XGBoost 3.1 and 3.2 write those of pandas. */
const withCategories = (names: readonly string[]) => {
  const offsets = [0, ...names.map((_, index) => names.slice(0, index + 1).join('').length)];
  const document = xgboostDocument();
  const { gradient_booster } = document.learner;
  const values = [...Buffer.from(names.join('')).subarray(0, offsets.at(-1))];
  Object.assign(gradient_booster.model, { cats: { enc: [{ offsets, values }, { values: [] }] } });
  return document;
};

const NAN = Number.NaN;

describe('a file of XGBoost', () => {
  it('becomes a graph with the columns, the classes and the outline of the file', async () => {
    const model = await importXgboost(await readModel('xgboost', '3.2.0', 'multi-softprob.ubj.gz'));
    expect(model.config).toMatchObject({
      pipeline_tag: 'tabular-classification',
      id2label: { 0: '0', 1: '1', 2: '2' },
    });
    expect(model.config.columns).toEqual(
      ['grid', 'even', 'count', 'code', 'epoch', 'zeros', 'tail'].map((name) => ({ name, optional: true })),
    );
    expect(model.origin).toBe('XGBoost 3.2.0');
    expect(model.outline.parts?.map(({ text }) => text)).toEqual([
      'objective multi:softprob',
      'gbtree: 18 trees of depth 3, 134 leaves',
      '7 columns: grid, even, count, code, epoch, zeros, tail',
    ]);
  });

  it('calls columns without names f0, f1, …, and goes by the threshold', async () => {
    const model = await importXgboost(toJson(xgboostDocument()));
    expect(model.config.columns).toEqual([
      { name: 'f0', optional: true },
      { name: 'f1', optional: true },
    ]);
    expect(
      await predict(model, [
        [0.49, 0],
        [0.5, 0],
        [NAN, 0],
        [0.5 - 1e-12, 0],
      ]),
    ).toEqual([1, 2, 2, 2]);
  });

  it('may begin with a byte-order mark and blanks', async () => {
    const text = `\ufeff \n${JSON.stringify(xgboostDocument(), null, 1)}`;
    expect(await predict(await importXgboost(Buffer.from(text)), [[0, 0]])).toEqual([1]);
  });

  it('has NaN among its numbers, and as a name', async () => {
    const document = stump({
      ...{ split_conditions: [null, 1, 2], split_type: [1, 0, 0] },
      ...{ categories: [3], categories_nodes: [0], categories_segments: [0], categories_sizes: [1] },
    });
    const text = JSON.stringify(document)
      .replace('null', 'NaN')
      .replace('"feature_names":[]', '"feature_names":["NaN","b"]');
    const model = await importXgboost(Buffer.from(text));
    expect(model.config.columns).toMatchObject([{ name: 'NaN' }, { name: 'b' }]);
    expect(
      await predict(model, [
        [3, 0],
        [3.9, 0],
        [-0.5, 0],
        [4, 0],
        [NAN, 0],
      ]),
    ).toEqual([2, 2, 1, 1, 2]);
  });

  it('has ten thousand classes', async () => {
    const params = { base_score: '0.5', num_class: '10000' };
    const document = xgboostDocument({ params, objective: 'multi:softprob', targets: [9_999] });
    const answers = await predict(await importXgboost(toJson(document)), [[0, 0]]);
    expect(answers).toHaveLength(10_000);
    expect(answers.indexOf(Math.max(...answers))).toBe(9_999);
  });

  it('says that a newer version was not compared', async () => {
    const { notes } = await importXgboost(toJson(xgboostDocument({ version: [4, 0, 0] })));
    expect(notes).toContain('the file is of XGBoost 4.0.0, which is newer than the versions that were compared');
  });
});

describe('a file of XGBoost is refused', () => {
  const { learner } = xgboostDocument();
  const model = learner.gradient_booster.model;
  const withGradient = (gradient_booster: unknown) => toJson(xgboostDocument({ learner: { gradient_booster } }));

  it.each<[string, Buffer, string]>([
    ['empty', Buffer.alloc(0), 'neither JSON nor UBJSON'],
    ['the binary format', Buffer.from('binf\0\0\0?\x04\0\0\0'), 'booster.save_model("x.json")'],
    ['JSON of something else', toJson({ hello: 1 }), 'has no "learner"'],
    ['a learner that is a text', toJson({ learner: 'x', version: [3] }), 'document.learner is "x", expected an object'],
    ['the trees of dump_model', toJson([{ nodeid: 0 }]), 'dump_model'],
    ['an objective of the user', toJson(xgboostDocument({ objective: 'mine' })), 'the objective "mine" is unknown'],
    ['an objective of the prototype', toJson(xgboostDocument({ objective: 'toString' })), 'is unknown'],
    ['an unknown booster', withGradient({ name: 'forest' }), 'the booster is "forest"'],
    ['too few weights', withGradient({ name: 'gblinear', model: { weights: [1, 2] } }), 'expected 3 numbers'],
    [
      'dart without weights',
      withGradient({ name: 'dart', gbtree: { model }, weight_drop: [] }),
      'weight_drop is a list of 0, expected 1 numbers',
    ],
    ['a tree of no output', toJson(xgboostDocument({ targets: [1] })), 'tree 0 belongs to output 1 of 1'],
    ['base_score of no number', toJson(xgboostDocument({ params: { base_score: '[nan]' } })), 'base_score is "[nan]"'],
    ['two base_scores for one output', toJson(xgboostDocument({ params: { base_score: '[1,2]' } })), 'for 1 outputs'],
    ['2^31 columns', toJson(xgboostDocument({ params: { num_feature: '2147483648' } })), '2147483648 columns'],
    ['2^31 classes', toJson(xgboostDocument({ params: { num_class: '2147483648' } })), '2147483648 outputs'],
    ['a negative column', toJson(stump({ split_indices: [-1, 0, 0] })), 'node 0 tests column -1 of 2'],
    ['a column beyond the last', toJson(stump({ split_indices: [2, 0, 0] })), 'node 0 tests column 2 of 2'],
    ['a tree within itself', toJson(stump({ left_children: [0, -1, -1] })), 'node 0 is the child of two nodes'],
    ['a child with two parents', toJson(stump({ right_children: [1, -1, -1] })), 'node 1 is the child of two'],
    ['a child outside the tree', toJson(stump({ right_children: [9, -1, -1] })), 'a child is node 9 of 3'],
    ['a threshold NaN', toJson(stump({ split_conditions: [null, 1, 2] })), 'node 0 compares with NaN'],
    ['a leaf NaN', toJson(stump({ split_conditions: [0, null, 2] })), 'leaf 1 has the weight NaN'],
    [
      'lists of different lengths',
      toJson(stump({ split_indices: [0] })),
      'split_indices is a list of 1, expected 3 numbers',
    ],
    [
      'categories that are not there',
      toJson(
        stump({
          ...{ split_type: [1, 0, 0], categories: [1] },
          ...{ categories_nodes: [0], categories_segments: [0], categories_sizes: [5] },
        }),
      ),
      'node 0 lacks its 5 categories',
    ],
    [
      'categories that XGBoost has cut off',
      toJson(withCategories(['Köln', 'Ulm'])),
      'categories of the column "f0" have letters beyond ASCII ("KölnUl"), and XGBoost cuts such texts of pandas off',
    ],
    [
      'leaves without their numbers',
      toJson(
        xgboostDocument({
          params: { num_target: '3' },
          trees: [{ ...XGBOOST_STUMP, leaf_weights: [1], tree_param: { size_leaf_vector: '3' } }],
        }),
      ),
      'leaves lack some of their 3 numbers',
    ],
  ])('%s', async (_, bytes, message) => {
    const refusal = importXgboost(bytes);
    await expect(refusal).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await expect(refusal).rejects.toThrow(message);
  });

  it.each(['binary-logistic.json.gz', 'frame.ubj.gz', 'multi-output-tree.json.gz'])(
    'wherever it is cut short: %s',
    async (file) => {
      const bytes = await readModel('xgboost', '3.2.0', file);
      for (let end = 0; end < bytes.length; end += 97)
        await expect(importXgboost(bytes.subarray(0, end))).rejects.toBeInstanceOf(ServingError);
    },
  );

  it('or understood, but never fails otherwise, whichever byte is damaged', async () => {
    const bytes = await readModel('xgboost', '3.2.0', 'frame.ubj.gz');
    for (let at = 0; at < bytes.length; at += 31) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (at * 7) % 256;
      const outcome = await importXgboost(damaged).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ServingError);
    }
  });
});
