import { describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../../src/core/errors.ts';
import { importLightgbm } from '../../../../src/formats/lightgbm/import-lightgbm.ts';
import { LIGHTGBM_STUMP, lightgbmText, predict } from '../../../support/boosters.ts';
import { readModel } from '../../../support/parity/boosting.ts';

const importText = (text: string) => importLightgbm(Buffer.from(text));

const stump = (changes: Readonly<Record<string, string>>, header?: Readonly<Record<string, string>>): string =>
  lightgbmText([{ ...LIGHTGBM_STUMP, ...changes }], header);

const LEAF = { num_leaves: '1', num_cat: '0', leaf_value: '3', is_linear: '0' };
/** Codes 0 and 33 go left. */
const CATEGORIES = {
  ...{ num_cat: '1', threshold: '0', decision_type: '1', cat_boundaries: '0 2', cat_threshold: '1 2' },
};
const NAN = Number.NaN;
const column = (...values: readonly number[]): number[][] => values.map((value) => [value, 0]);

describe('a file of LightGBM', () => {
  it('becomes a graph with the columns, the classes and the outline of the file', async () => {
    const model = await importLightgbm(await readModel('lightgbm', '4.6.0', 'binary.txt.gz'));
    expect(model.config).toMatchObject({ pipeline_tag: 'tabular-classification', id2label: { 0: '0', 1: '1' } });
    expect(model.config.columns).toEqual(
      ['grid', 'even', 'count', 'code', 'epoch', 'zeros', 'tail'].map((name) => ({ name, optional: true })),
    );
    expect(model.origin).toBe('LightGBM v4');
    expect(model.outline.parts?.[0]?.text).toBe('objective binary sigmoid:1');
    expect(model.outline.parts?.[1]?.text).toMatch(/^20 trees of depth \d to \d, 140 leaves$/);
  });

  it('may end its lines with CRLF', async () => {
    const text = (await readModel('lightgbm', '4.6.0', 'frame.txt.gz')).toString();
    const [one, other] = [await importText(text), await importText(text.replaceAll('\n', '\r\n'))];
    expect(Buffer.concat([...other.onnx]).equals(Buffer.concat([...one.onnx]))).toBe(true);
    expect(other.config).toEqual(one.config);
  });

  it('goes left at the threshold, and takes 0 for a missing value where training saw none', async () => {
    const rows = column(0.5, 0.5 + 2 ** -52, NAN);
    expect(await predict(await importText(stump({ decision_type: '0' })), rows)).toEqual([1, 2, 1]);
    expect(await predict(await importText(stump({ decision_type: '8' })), rows)).toEqual([1, 2, 2]);
    expect(await predict(await importText(stump({ decision_type: '10' })), rows)).toEqual([1, 2, 1]);
    expect(
      await predict(await importText(stump({ threshold: 'inf', decision_type: '8' })), column(1e308, NAN)),
    ).toEqual([1, 2]);
  });

  it('takes zeros for missing values where training did', async () => {
    const model = await importText(stump({ decision_type: '4' }));
    expect(await predict(model, column(0, 1e-36, NAN, 1e-34, -1))).toEqual([2, 2, 2, 1, 1]);
  });

  it('cuts codes at their point, and sends unknown ones right', async () => {
    const model = await importText(stump(CATEGORIES));
    expect(await predict(model, column(0, 0.9, -0.9, 33, 33.5, 1, -1, 64, 1e300, NAN))).toEqual([
      1, 1, 1, 1, 1, 2, 2, 2, 2, 2,
    ]);
    expect(model.notes).toEqual(['the names of categories are not in the file: their columns take codes']);
  });

  it('has trees of one leaf, and no objective', async () => {
    const model = await importText(lightgbmText([LEAF, LIGHTGBM_STUMP]).replace('objective=regression\n', ''));
    expect(await predict(model, column(0))).toEqual([4]);
    expect(model.notes).toEqual(['the objective is not in the file: answers are sums of the trees']);
  });

  it('has ten thousand classes', async () => {
    const trees = Array.from({ length: 10_000 }, (_, index) => ({ ...LEAF, leaf_value: index === 4_321 ? '9' : '0' }));
    const header = { objective: 'multiclass num_class:10000', num_tree_per_iteration: '10000' };
    const answers = await predict(await importText(lightgbmText(trees, header)), column(0));
    expect(answers).toHaveLength(10_000);
    expect(answers.indexOf(Math.max(...answers))).toBe(4_321);
  });
});

describe('a file of LightGBM is refused', () => {
  it.each<[string, string, string]>([
    ['empty', '', 'does not begin with "tree"'],
    ['another text', '{"learner": 1}', 'booster.save_model("x.txt")'],
    ['without trees', lightgbmText([]), 'the model has no trees'],
    ['without tree_sizes', lightgbmText().replace(/tree_sizes=.*\n/, ''), 'it has no tree_sizes'],
    ['trees of other lengths', lightgbmText().replace('threshold=0.5', 'threshold=0.50'), 'does not end after 1 trees'],
    ['linear_tree', stump({ is_linear: '1' }), 'train with linear_tree=False'],
    ['an unknown objective', stump({}, { objective: 'mine' }), 'the objective "mine" is unknown'],
    ['an objective of the prototype', stump({}, { objective: 'toString' }), 'is unknown'],
    ['a negative slope', stump({}, { objective: 'binary sigmoid:-1' }), 'expected a positive number'],
    ['2^31 leaves', stump({ num_leaves: '2147483648' }), 'leaf_value of tree 0 has 2 numbers, expected 2147483648'],
    ['half a leaf', stump({ num_leaves: '1.5' }), 'num_leaves of tree 0 is 1.5'],
    ['2^31 columns', stump({}, { max_feature_idx: '2147483647' }), '2147483648 columns'],
    ['names of other columns', stump({}, { feature_names: 'a b c' }), 'feature_names has 3 columns, expected 2'],
    ['half an iteration', stump({}, { num_tree_per_iteration: '2' }), '1 trees are no whole iterations of 2'],
    ['a negative column', stump({ split_feature: '-1' }), 'node 0 tests column -1 of 2'],
    ['a tree within itself', stump({ left_child: '0' }), 'node 0 is the child of two nodes'],
    ['a child outside the tree', stump({ left_child: '-9' }), 'a child is node 9 of 3'],
    ['a threshold NaN', stump({ threshold: 'nan' }), 'node 0 compares with NaN'],
    ['a word for a number', stump({ threshold: 'half' }), '"half" is no number'],
    ['categories that are not there', stump({ ...CATEGORIES, threshold: '4' }), 'the tests of tree 0 lack categories'],
    ['categories outside their words', stump({ ...CATEGORIES, cat_boundaries: '0 9' }), 'do not cut 2 words'],
    [
      'categories of unknown columns',
      lightgbmText(undefined, undefined, 'end of trees\n\npandas_categorical:[["x"], ["y"], ["z"]]\n'),
      'does not tell them apart',
    ],
    [
      'categories that are no JSON',
      lightgbmText(undefined, undefined, 'end of trees\n\npandas_categorical:[["x"\n'),
      'pandas_categorical is no JSON',
    ],
  ])('%s', async (_, text, message) => {
    const refusal = importText(text);
    await expect(refusal).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await expect(refusal).rejects.toThrow(message);
  });

  it('wherever it is cut short before its end', async () => {
    const bytes = await readModel('lightgbm', '3.3.5', 'frame.txt.gz');
    const trees = bytes.indexOf('end of trees') + 'end of trees'.length;
    const [parameters, end] = [bytes.indexOf('\nparameters:'), bytes.indexOf('\nend of parameters')];
    const cuts = [
      ...Array.from({ length: Math.floor(trees / 53) }, (_, index) => index * 53),
      ...Array.from({ length: Math.floor((end - parameters) / 31) - 1 }, (_, index) => parameters + 14 + index * 31),
      ...[bytes.indexOf('pandas_') + 5, bytes.length - 8],
    ];
    for (const cut of cuts) await expect(importLightgbm(bytes.subarray(0, cut))).rejects.toBeInstanceOf(ServingError);
  });
});
