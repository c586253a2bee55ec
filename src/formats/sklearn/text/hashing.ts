import { show } from '../../../core/show.ts';
import { tensor } from '../../../core/tensor.ts';
import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { PyClass } from '../../pickle/values.ts';
import type { Estimator } from '../estimator.ts';
import { toLong } from '../formulas.ts';
import type { Block } from '../frame.ts';
import { toSparseBlock } from '../sparse-rows.ts';

/** The way from terms to columns, as config.json has it and `src/media/text/hashed-terms.ts` goes it. The names are scikit-learn's. */
export interface HashingSettings {
  readonly n_features: number;
  readonly alternate_sign: boolean;
  readonly binary: boolean;
  readonly norm: 'l1' | 'l2' | null;
  readonly dtype: 'float32' | 'float64';
}

/** Columns that the hash has, without its sign. */
const MOST_COLUMNS = 2 ** 31 - 1;

/** Types of counts by the names that a file has; whole numbers are exact in float64. */
const DTYPES: ReadonlyMap<string, HashingSettings['dtype']> = new Map([
  ...(['numpy.float64', 'float64', 'builtins.float', 'numpy.int64', 'numpy.int32'] as const).map(
    (name) => [name, 'float64'] as const,
  ),
  ...(['numpy.float32', 'float32'] as const).map((name) => [name, 'float32'] as const),
]);

const readDtype = (estimator: Estimator): HashingSettings['dtype'] => {
  const value = estimator.get('dtype');
  const name = value instanceof PyClass ? value.path : typeof value === 'string' ? value : '';
  return DTYPES.get(name) ?? estimator.refuse(`dtype is ${show(name)}, expected numpy.float64 or numpy.float32`);
};

/** @throws `MODEL_INVALID` for settings that HashingVectorizer has not */
export const readHashing = (estimator: Estimator): HashingSettings => {
  const columns = estimator.number('n_features');
  if (!(Number.isInteger(columns) && columns >= 1 && columns <= MOST_COLUMNS))
    estimator.refuse(`n_features is ${columns}, expected 1 to ${MOST_COLUMNS}`);
  const norm = estimator.get('norm');
  if (norm !== 'l1' && norm !== 'l2' && norm !== null)
    return estimator.refuse(`norm is ${show(norm)}, expected l1, l2 or None`);
  return {
    n_features: columns,
    alternate_sign: estimator.flag('alternate_sign'),
    binary: estimator.flag('binary'),
    norm,
    dtype: readDtype(estimator),
  };
};

/** The columns and values of hashed terms, float64[N,T,2], as sparse rows. */
export const hashedBlock = (estimator: Estimator, hashed: Value, graph: GraphBuilder): Block => {
  const { n_features: width, alternate_sign: hasSigns, binary } = readHashing(estimator);
  const part = (index: bigint): Value =>
    graph.op('Gather', [hashed, graph.constant(tensor('int64', [], BigInt64Array.of(index)))], { axis: integer(2) });
  const sparse = { columns: toLong(graph, part(0n)), values: part(1n), isSigned: hasSigns && !binary };
  return toSparseBlock(estimator, graph, sparse, width);
};
