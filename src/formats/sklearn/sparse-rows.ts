import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles } from '../../onnx/graph-builder.ts';
import { integer, text } from '../../onnx/node.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, reduce, sumOf } from './formulas.ts';
import { type Block, type Frame, rowOf, type SparseRows, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** Most columns of a row that is written out with its zeros: 0.5 MB. */
const MOST_COLUMNS = 65_536;

/** The rows with all of their zeros, float64[N,width]. */
const addZeros = (graph: GraphBuilder, { columns, values }: SparseRows, width: number): Value => {
  const rows = graph.op('Mul', [values, rowOf(graph, [0])]);
  const first = reduce(graph, 'ReduceSum', rows);
  const zeros = graph.op('Mul', [first, rowOf(graph, new Float64Array(width))]);
  return graph.op('ScatterElements', [zeros, columns, values], { axis: integer(1), reduction: text('add') });
};

/**
 * A block of sparse rows. Its `value` has them with their zeros, and is added to the graph when a step reads it.
 * @throws `MODEL_INVALID` then, for rows that are too wide
 */
export const toSparseBlock = (
  estimator: Estimator,
  graph: GraphBuilder,
  sparse: SparseRows,
  width: number,
): Block & { readonly sparse: SparseRows } => {
  let written: Value | undefined;
  return {
    width,
    dtype: 'float64',
    sparse,
    get value() {
      if (width > MOST_COLUMNS)
        estimator.refuse(
          `it makes ${width} columns, and a step behind it needs rows with all of them, of which ${MOST_COLUMNS} are taken: ` +
            'fit it with n_features=2**16 or fewer, or with a linear model, MultinomialNB, ComplementNB or TruncatedSVD behind it',
        );
      written ??= addZeros(graph, sparse, width);
      return written;
    },
  };
};

/** Sparse rows times the transpose of `weights` [K,F], float64[N,K]. It takes the memory of one weight for each value of a row. */
const addSparseProducts = (graph: GraphBuilder, { columns, values }: SparseRows, weights: Matrix): Value => {
  const body = graph.subgraph('products');
  const row = body.input(`${values}_weights`, 'float64', [weights.columns]);
  const products = body.op('Mul', [body.op('Gather', [row, columns]), values]);
  body.output(`${values}_sum`, reduce(body, 'ReduceSum', products, false), 'float64', ['N']);
  const all = graph.constant(doubles([weights.rows, weights.columns], weights.values));
  const sums = graph.op('Scan', [all], { body: { type: 'graph', value: body.toGraph() }, num_scan_inputs: integer(1) });
  return graph.op('Transpose', [sums]);
};

const columnsOf = ({ rows, columns, values }: Matrix, start: number, width: number): Matrix => {
  if (width === columns) return { rows, columns, values };
  const own = new Float64Array(rows * width);
  for (let row = 0; row < rows; row += 1)
    own.set(values.subarray(row * columns + start, row * columns + start + width), row * width);
  return { rows, columns: width, values: own };
};

/** A frame times the transpose of `weights` [K,F], plus a number for each of the K columns, float64[N,K]. */
export const addProducts = (graph: GraphBuilder, frame: Frame, weights: Matrix, offsets?: ArrayLike<number>): Value => {
  if (frame.every(({ sparse }) => sparse === undefined))
    return addLinear(graph, toMatrix(graph, frame), weights, offsets);
  const width = frame.reduce((sum, block) => sum + block.width, 0);
  if (width !== weights.columns) throw new RangeError(`weights of ${weights.columns} columns, expected ${width}`);
  let start = 0;
  const parts = frame.map((block) => {
    const own = columnsOf(weights, start, block.width);
    start += block.width;
    return block.sparse ? addSparseProducts(graph, block.sparse, own) : addLinear(graph, toMatrix(graph, [block]), own);
  });
  const sum = sumOf(graph, parts);
  return offsets === undefined ? sum : graph.op('Add', [sum, rowOf(graph, offsets)]);
};
