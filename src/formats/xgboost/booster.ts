import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { type Booster, checkCount } from '../boosting/booster.ts';
import { describeTrees } from '../boosting/check-tree.ts';
import { readColumns } from './columns.ts';
import { readDocument } from './document.ts';
import { OBJECTIVES } from './objectives.ts';
import type { Part } from './part.ts';
import { addLinearSums, addTreeSums } from './sums.ts';
import { type ReadTree, readTree } from './trees.ts';

/** Newest major version whose files were compared. */
const NEWEST = 3;

/** The first summand of each output: `base_score`, a number for all of them or a list in a text, before the link. */
const readBase = (params: Part, outputs: number, toMargin: (score: number) => number): readonly number[] => {
  const text = params.get('base_score').text();
  const scores = text
    .replace(/^\[|\]$/g, '')
    .split(',')
    .map(Number);
  const isKnown = scores.length === 1 || scores.length === outputs;
  const margins = Array.from({ length: outputs }, (_, output) =>
    toMargin(Math.fround(scores[output] ?? scores[0] ?? 0)),
  );
  return isKnown && margins.every(Number.isFinite)
    ? margins
    : refuse('MODEL_INVALID', `XGBoost: base_score is ${show(text)} for ${outputs} outputs: the file is damaged`);
};

interface Shape {
  readonly columns: number;
  readonly outputs: number;
  /** Iterations that count; undefined for all. */
  readonly rounds: number | undefined;
}

/** The trees of gbtree, and of dart with their weights. */
const readTrees = (model: Part, dropped: Part | undefined, shape: Shape): readonly ReadTree[] => {
  const { columns, outputs, rounds } = shape;
  const trees = model.get('trees').items();
  const weights = dropped?.numbers(trees.length);
  const targets = model.get('tree_info').numbers(trees.length);
  const leafOutputsOf = (tree: Part) => (tree.get('tree_param').find('size_leaf_vector')?.number() ?? 1) > 1;
  const perRound = Number(model.get('gbtree_model_param').find('num_parallel_tree')?.number() ?? 1);
  const isVector = trees[0] !== undefined && leafOutputsOf(trees[0]);
  const counted = rounds === undefined ? trees.length : rounds * perRound * (isVector ? 1 : outputs);
  return trees.slice(0, counted).map((tree, index) => {
    const target = targets[index] ?? 0;
    const where = `XGBoost: tree ${index}`;
    if (!Number.isInteger(target) || target < 0 || target >= outputs)
      refuse('MODEL_INVALID', `${where} belongs to output ${target} of ${outputs}: the file is damaged`);
    const leafOutputs = leafOutputsOf(tree) ? outputs : 1;
    return readTree(tree, where, { columns, target, factor: Math.fround(weights?.[index] ?? 1), leafOutputs });
  });
};

/** Sums of the learner's model, with the lines of the outline. */
interface Sums {
  readonly add: (graph: GraphBuilder, x: Value) => Value;
  readonly text: string;
}

const readSums = (gradient: Part, base: readonly number[], shape: Shape): Sums => {
  const name = gradient.get('name').text();
  const { columns, outputs } = shape;
  if (name === 'gblinear') {
    const weights = gradient
      .get('model')
      .get('weights')
      .numbers((columns + 1) * outputs);
    const scores = base.map(() => base[0] ?? 0); // XGBoost adds the first score to every output
    return { add: (graph, x) => addLinearSums(graph, x, weights, scores), text: `gblinear: ${weights.length} weights` };
  }
  if (name !== 'gbtree' && name !== 'dart')
    return refuse('MODEL_INVALID', `XGBoost: the booster is ${show(name)}, expected gbtree, dart or gblinear`);
  const dropped = name === 'dart' ? gradient.get('weight_drop') : undefined;
  const trees = readTrees((name === 'dart' ? gradient.get('gbtree') : gradient).get('model'), dropped, shape);
  const categorical = new Set(trees.flatMap((tree) => tree.categorical));
  const flat = trees.flatMap((tree) => tree.trees);
  return {
    add: (graph, x) => addTreeSums(graph, x, flat, { base, categorical, columns }),
    text: `${name}: ${describeTrees(trees.map(({ size }) => size))}`,
  };
};

/** The object that holds the categories: the model of the trees. */
const modelOf = (gradient: Part): Part | undefined => (gradient.find('gbtree') ?? gradient).find('model');

const castTo = (graph: GraphBuilder, value: Value, dtype: 'float32' | 'float64'): Value =>
  graph.op('Cast', [value], { to: integer(DATA_TYPES[dtype]) });

const notesOf = (version: string, objective: string): string[] => [
  'a value that is missing is null: `missing=` of training is not in the file',
  ...(Number.parseInt(version, 10) > NEWEST
    ? [`the file is of XGBoost ${version}, which is newer than the versions that were compared`]
    : []),
  ...(objective === 'binary:logitraw' ? ['binary:logitraw gives margins: class 1 is above 0'] : []),
  ...(objective.startsWith('rank:') ? ['a ranker gives scores: the best row has the highest'] : []),
];

/**
 * The booster of a file, as `Booster.predict` computes it from all trees.
 *
 * @param roundsOf iterations that count, from the attributes of the file; undefined for all
 * @throws `MODEL_INVALID` for an objective of the user's own, and for a damaged file
 */
export const readXgboost = (
  bytes: Buffer,
  roundsOf: (learner: Part) => number | undefined = () => undefined,
): Booster => {
  const { learner, version } = readDocument(bytes);
  const origin = `XGBoost ${version}`;
  const name = learner.get('objective').get('name').text();
  const objective =
    (Object.hasOwn(OBJECTIVES, name) ? OBJECTIVES[name] : undefined) ??
    refuse(
      'MODEL_INVALID',
      `${origin}: the objective ${show(name)} is unknown, expected one of ${Object.keys(OBJECTIVES).join(', ')}`,
    );
  const params = learner.get('learner_model_param');
  const countOf = (field: string) => params.find(field)?.number() ?? 1;
  const outputs = checkCount(Math.max(1, countOf('num_class'), countOf('num_target')), 'outputs', origin);
  const columns = checkCount(countOf('num_feature'), 'columns', origin);
  const gradient = learner.get('gradient_booster');
  const base = readBase(params, outputs, objective.toMargin);
  const sums = readSums(gradient, base, { columns, outputs, rounds: roundsOf(learner) });
  return {
    origin,
    columns: readColumns(learner, columns, modelOf(gradient)),
    kind: objective.kind,
    outputs,
    dtype: 'float32',
    refusesUnknown: true,
    parts: [{ text: `objective ${name}` }, { text: sums.text }],
    notes: notesOf(version, name),
    predict: (graph, x) =>
      castTo(graph, objective.link(graph, castTo(graph, sums.add(graph, x), 'float64')), 'float32'),
  };
};
