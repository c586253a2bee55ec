import { ServingError } from '../../core/errors.ts';
import { type Signature, type Tensor, type TensorSpec, type Tensors, tensor } from '../../core/tensor.ts';
import { formatSpecs } from '../format-specs.ts';
import type { ResolvedQuery } from './query.ts';

/** The tensors of a recommender. Histories are lists of indices of any length, or a 1 for each of their items in the catalogue. */
export interface RecommenderGraph {
  readonly user: TensorSpec | undefined;
  readonly history: TensorSpec | undefined;
  readonly scores: TensorSpec;
}

/** Tells whether a tensor holds indices of users or items. */
export const isIndex = ({ dtype }: TensorSpec): boolean => dtype === 'int64' || dtype === 'int32';
const isUser = (spec: TensorSpec): boolean => isIndex(spec) && (spec.shape.length === 1 || spec.shape[1] === 1);
const isHistory = (spec: TensorSpec): boolean =>
  spec.shape.length === 2 && (isIndex(spec) ? typeof spec.shape[1] === 'string' : spec.dtype === 'float32');

/** @throws `MODEL_INVALID` for a graph that is no recommender */
export const findTensors = ({ inputs, outputs }: Signature): RecommenderGraph => {
  const [users, histories] = [inputs.filter(isUser), inputs.filter(isHistory)];
  const [scores, ...others] = outputs.filter(({ dtype, shape }) => dtype === 'float32' && shape.length === 2);
  const isUnderstood = users.length <= 1 && histories.length <= 1 && users.length + histories.length === inputs.length;
  if (!isUnderstood || inputs.length === 0 || scores === undefined || others.length > 0) {
    throw new ServingError(
      'MODEL_INVALID',
      'recommendation needs a graph from the index of a user, int64[N], or from a history, int64[N,length] of ' +
        'any length or float32[N,items] of 0 and 1, or from both, to scores float32[N,items]; this one has ' +
        `${formatSpecs([...inputs, ...outputs])}`,
    );
  }
  return { user: users[0], history: histories[0], scores };
};

const integers = (dtype: string, values: readonly number[], shape: readonly number[]): Tensor =>
  dtype === 'int64'
    ? tensor(dtype, shape, BigInt64Array.from(values, BigInt))
    : tensor('int32', shape, Int32Array.from(values));

const usersOf = (rows: readonly ResolvedQuery[], { dtype, shape }: TensorSpec): Tensor =>
  integers(
    dtype,
    rows.map(({ user }) => user),
    shape.length === 1 ? [rows.length] : [rows.length, 1],
  );

const historiesOf = (rows: readonly ResolvedQuery[], { dtype }: TensorSpec, items: number): Tensor => {
  if (dtype !== 'float32') {
    const lists = rows.flatMap(({ history }) => history);
    return integers(dtype, lists, [rows.length, lists.length / rows.length]);
  }
  const data = new Float32Array(rows.length * items);
  rows.forEach(({ history }, row) => {
    for (const item of history) data[row * items + item] = 1;
  });
  return tensor(dtype, [rows.length, items], data);
};

/** The inputs of the graph, a row for each query. Histories that are lists have to be of one length. */
export const toFeeds = (
  rows: readonly ResolvedQuery[],
  { user, history }: RecommenderGraph,
  items: number,
): Tensors => ({
  ...(user && { [user.name]: usersOf(rows, user) }),
  ...(history && { [history.name]: historiesOf(rows, history, items) }),
});
