import { doubles, type GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { type Booster, checkCount } from '../boosting/booster.ts';
import { describeTrees } from '../boosting/check-tree.ts';
import { addTrees } from '../trees.ts';
import { readColumns } from './columns.ts';
import { readObjective } from './objectives.ts';
import { failDamaged, readModelText } from './text.ts';
import { type ReadTree, readTree } from './trees.ts';

/** Numbers of at most this size are 0 to LightGBM: 1e-35 as float32. */
const ZERO = Math.fround(1e-35);

/** A row of marks [1,columns], as bool. */
const markColumns = (graph: GraphBuilder, columns: number, marked: ReadonlySet<number>): Value => {
  const marks = Array.from({ length: columns }, (_, column) => Number(marked.has(column)));
  return graph.op('Cast', [graph.constant(doubles([1, columns], marks))], { to: integer(DATA_TYPES.bool) });
};

/** Codes lose their fraction: LightGBM takes 3.7 for category 3, and -0.5 for category 0. */
const truncateCodes = (graph: GraphBuilder, x: Value, columns: number, categorical: ReadonlySet<number>): Value => {
  if (categorical.size === 0) return x;
  const whole = graph.op('Mul', [graph.op('Sign', [x]), graph.op('Floor', [graph.op('Abs', [x])])]);
  return graph.op('Where', [markColumns(graph, columns, categorical), whole, x]);
};

/** Numbers next to 0 become 0, or a missing value in the columns whose zeros are missing. */
const replaceZeros = (graph: GraphBuilder, x: Value, columns: number, missing: ReadonlySet<number>): Value => {
  const zeros = Array.from({ length: columns }, (_, column) => (missing.has(column) ? Number.NaN : 0));
  const isZero = graph.op('LessOrEqual', [graph.op('Abs', [x]), graph.constant(doubles([1], [ZERO]))]);
  return graph.op('Where', [isZero, graph.constant(doubles([1, columns], zeros)), x]);
};

/** The sums of the leaves [N,outputs]; the mean of the iterations of a random forest. */
const addSums = (graph: GraphBuilder, x: Value, trees: readonly ReadTree[], shape: Shape): Value => {
  const { columns, outputs, isAverage } = shape;
  const zeroMissing = new Set(trees.flatMap((tree) => tree.zeroMissing));
  const categorical = new Set(trees.flatMap((tree) => tree.categorical));
  const isNearZero = (threshold: number) => Math.abs(threshold) <= ZERO;
  const needsZeros = zeroMissing.size > 0 || trees.some(({ tree }) => Array.from(tree.threshold).some(isNearZero));
  const codes = truncateCodes(graph, x, columns, categorical);
  const row = needsZeros ? replaceZeros(graph, codes, columns, zeroMissing) : codes;
  const flat = trees.map(({ tree }) => tree);
  const sums = addTrees(graph, row, flat, { mode: 'LEQ', dtype: 'float64', targets: outputs });
  if (!isAverage) return sums;
  return graph.op('Div', [sums, graph.constant(doubles([1], [trees.length / outputs]))]);
};

interface Shape {
  readonly columns: number;
  readonly outputs: number;
  readonly isAverage: boolean;
}

const notesOf = (version: string | undefined, objective: string, hasBareCodes: boolean): string[] => [
  ...(version === 'v3' || version === 'v4' ? [] : [`the format ${version} is none of v3 and v4, which were compared`]),
  ...(objective === 'custom' ? ['the objective is not in the file: answers are sums of the trees'] : []),
  ...(hasBareCodes ? ['the names of categories are not in the file: their columns take codes'] : []),
];

/**
 * The booster of a model's text, as `Booster.predict` computes it.
 *
 * @param rounds iterations that count; undefined for all
 * @throws `MODEL_INVALID` for `linear_tree`, for an unknown objective, and for a damaged text
 */
export const readLightgbm = (bytes: Buffer, rounds?: number): Booster => {
  const { header, trees: all, pandasCategorical } = readModelText(bytes);
  const origin = `LightGBM ${header.get('version') ?? ''}`.trim();
  const numberOf = (name: string) => Number(header.get(name) ?? failDamaged(`it has no ${name}`));
  const outputs = checkCount(numberOf('num_tree_per_iteration'), 'outputs', origin);
  const columns = checkCount(numberOf('max_feature_idx') + 1, 'columns', origin);
  if (all.length % outputs !== 0) failDamaged(`${all.length} trees are no whole iterations of ${outputs}`);
  const counted = all.slice(0, rounds === undefined ? all.length : rounds * outputs);
  const trees = counted.map((fields, index) => readTree(fields, columns, index % outputs));
  const line = header.get('objective');
  const named = readColumns(header, columns, pandasCategorical);
  const hasBareCodes = trees.some(({ categorical }) => categorical.some((column) => !named[column]?.categories));
  const { kind, link } = readObjective(line);
  const shape = { columns, outputs, isAverage: header.has('average_output') };
  return {
    origin,
    columns: named,
    kind,
    outputs,
    dtype: 'float64',
    refusesUnknown: false,
    parts: [
      { text: `objective ${line ?? 'custom'}` },
      { text: `${shape.isAverage ? 'mean of ' : ''}${describeTrees(trees.map(({ size }) => size))}` },
    ],
    notes: notesOf(header.get('version'), line ?? 'custom', hasBareCodes),
    predict: (graph, x) => link(graph, addSums(graph, x, trees, shape)),
    decide: (graph, x) => addSums(graph, x, trees, shape),
  };
};
