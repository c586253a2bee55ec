import { tensor } from '../../../core/tensor.ts';
import { type GraphBuilder, longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer, integers } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';

/** The steps of each sequence that count, for operators that know the lengths of sequences alone. */
export interface Steps {
  /** int32[N]: the number of steps that count. */
  readonly lengths: Value;
  /** The sequence [N,T,…] with the steps that count in front, in their order. */
  pack(sequence: Value): Value;
  /** The packed sequence with each step in its place. A step that does not count repeats the one before it, or is 0. */
  unpack(sequence: Value, isZero: boolean): Value;
}

const cast = (graph: GraphBuilder, value: Value, dtype: 'float32' | 'int32' | 'int64'): Value =>
  graph.op('Cast', [value], { to: integer(DATA_TYPES[dtype]) });

/** The elements of each sequence at `indices` int64[N,T]. */
const pick = (graph: GraphBuilder, sequence: Value, indices: Value): Value =>
  graph.op('GatherND', [sequence, graph.op('Unsqueeze', [indices, graph.constant(longs([-1]))])], {
    batch_dims: integer(1),
  });

/** The sequence from its last step to its first. */
export const reverse = (graph: GraphBuilder, sequence: Value): Value => {
  const [start, end, axis, step] = [[-1], [-(2 ** 31)], [1], [-1]].map((values) => graph.constant(longs(values)));
  return graph.op('Slice', [sequence, start ?? '', end ?? '', axis ?? '', step ?? '']);
};

/** @param mask bool[N,T] */
export const createSteps = (graph: GraphBuilder, mask: Value): Steps => {
  const [zero, one] = [graph.constant(longs([0])), graph.constant(longs([1]))];
  const counts = cast(graph, mask, 'int64');
  const lengths = graph.op('ReduceSum', [counts, one], { keepdims: integer(0) });
  const time = graph.op('Gather', [graph.op('Shape', [mask]), one]);
  const scalar = (value: bigint) => graph.constant(tensor('int64', [], BigInt64Array.of(value)));
  const places = graph.op('Range', [scalar(0n), graph.op('Squeeze', [time]), scalar(1n)]);
  const behind = graph.op('Where', [mask, places, graph.op('Add', [places, time])]);
  const [, order = ''] = graph.ops('TopK', 2, [behind, time], { axis: integer(1), largest: integer(0) });
  const seen = graph.op('CumSum', [counts, scalar(1n)]);
  const last = graph.op('Max', [graph.op('Sub', [seen, one]), zero]);
  const axis = graph.constant(longs([-1]));
  return {
    lengths: cast(graph, lengths, 'int32'),
    pack: (sequence) => pick(graph, sequence, order),
    unpack: (sequence, isZero) => {
      const shown = isZero ? mask : graph.op('Greater', [seen, zero]);
      const factor = graph.op('Unsqueeze', [cast(graph, shown, 'float32'), axis]);
      return graph.op('Mul', [pick(graph, sequence, last), factor]);
    },
  };
};

/** [N,T,F] → [T,N,F], and back. */
export const swapTime = (graph: GraphBuilder, value: Value): Value =>
  graph.op('Transpose', [value], { perm: integers([1, 0, 2]) });
