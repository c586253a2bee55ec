import * as ort from 'onnxruntime-node';
import type { ImportedModel } from '../../src/formats/imported-model.ts';

/** The only output of an imported model for rows of numbers. */
export const predict = async ({ onnx }: ImportedModel, rows: readonly (readonly number[])[]): Promise<number[]> => {
  const session = await ort.InferenceSession.create(Buffer.concat([...onnx]), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const x = new ort.Tensor('float64', rows.flat(), [rows.length, rows[0]?.length ?? 0]);
  const [output] = Object.values(await session.run({ X: x }));
  await session.release();
  return Array.from(Object(output?.data), Number);
};

type Json = Readonly<Record<string, unknown>>;

/** A tree of XGBoost: column 0 below 0.5 gives 1, otherwise 2. */
export const XGBOOST_STUMP: Json = {
  left_children: [1, -1, -1],
  right_children: [2, -1, -1],
  split_indices: [0, 0, 0],
  split_conditions: [0.5, 1, 2],
  split_type: [0, 0, 0],
  default_left: [0, 0, 0],
  tree_param: { size_leaf_vector: '1' },
};

interface XgboostSettings {
  readonly trees?: readonly Json[];
  readonly targets?: readonly number[];
  readonly params?: Json;
  readonly objective?: string;
  readonly learner?: Json;
  readonly version?: readonly number[];
}

/** The document of a model of XGBoost with two columns. */
export const xgboostDocument = (settings: XgboostSettings = {}) => {
  const { trees = [XGBOOST_STUMP], targets = trees.map(() => 0), objective = 'reg:squarederror' } = settings;
  return {
    learner: {
      attributes: {},
      feature_names: [],
      feature_types: [],
      gradient_booster: {
        model: { gbtree_model_param: { num_parallel_tree: '1' }, tree_info: targets, trees },
        name: 'gbtree',
      },
      learner_model_param: { base_score: '0', num_class: '0', num_feature: '2', num_target: '1', ...settings.params },
      objective: { name: objective },
      ...settings.learner,
    },
    version: settings.version ?? [3, 2, 0],
  };
};

export const toJson = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));

/** A tree of LightGBM: column 0 up to 0.5 gives 1, otherwise 2. */
export const LIGHTGBM_STUMP: Readonly<Record<string, string>> = {
  num_leaves: '2',
  num_cat: '0',
  split_feature: '0',
  threshold: '0.5',
  decision_type: '2',
  left_child: '-1',
  right_child: '-2',
  leaf_value: '1 2',
  is_linear: '0',
};

/** The text of a model of LightGBM with two columns. */
export const lightgbmText = (
  trees: readonly Readonly<Record<string, string>>[] = [LIGHTGBM_STUMP],
  header: Readonly<Record<string, string>> = {},
  end = 'end of trees\n\nparameters:\n\nend of parameters\n\npandas_categorical:null\n',
): string => {
  const lines = (fields: Readonly<Record<string, string>>) =>
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  const texts = trees.map((tree, index) => `Tree=${index}\n${lines(tree)}\n\n`);
  const all = {
    version: 'v4',
    num_class: '1',
    num_tree_per_iteration: '1',
    max_feature_idx: '1',
    objective: 'regression',
    feature_names: 'a b',
    feature_infos: '[0:1] [0:1]',
    tree_sizes: texts.map(({ length }) => length).join(' '),
    ...header,
  };
  return `tree\n${lines(all)}\n${texts.join('')}${end}`;
};
