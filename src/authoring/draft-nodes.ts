import { type Tensor, tensor } from '../core/tensor.ts';
import { longs, singles } from '../onnx/graph-builder.ts';
import { type Attributes, createNode, integer, type OnnxNode } from '../onnx/node.ts';
import { type Weights, weightsOf } from '../onnx/tensor-proto.ts';

/** Numbers of data types in `Cast`. */
const FLOAT32 = 1;
const INT64 = 7;

/** Nodes that are added, with their constants. */
export const createNodes = () => {
  const nodes: OnnxNode[] = [];
  const weights: Weights[] = [];
  return {
    nodes,
    weights,
    constant(name: string, value: Tensor): string {
      weights.push(weightsOf(name, value));
      return name;
    },
    op(operator: string, inputs: readonly string[], output: string, attributes: Attributes = {}, domain = ''): string {
      nodes.push(createNode(operator, inputs, [output], attributes, domain));
      return output;
    },
    ops(operator: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes): void {
      nodes.push(createNode(operator, inputs, outputs, attributes));
    },
  };
};
export type Nodes = ReturnType<typeof createNodes>;

/**
 * Drafts the next token int64[1,1] of logits [1,V]. The likeliest candidates that top_p and min_p keep are added up in the order of
 * their ids. The token is the one at which the sum passes the uniform number of the step. `src/generation/causal/sampling.ts` does the same
 * in double precision.
 */
export const addDraft = ({ op, ops, constant }: Nodes, logits: string, iteration: string): string => {
  const last = constant('draft.last_axis', longs([-1]));
  const axis = constant('draft.axis', tensor('int64', [], BigInt64Array.of(-1n)));
  const zero = constant('draft.zero', singles([], [0]));
  const numbers = op('Cast', [logits], 'draft.logits', { to: integer(FLOAT32) });
  ops('TopK', [numbers, 'top_k'], ['draft.best', 'draft.best_ids'], { axis: integer(-1) });
  const largest = op('ReduceMax', ['draft.best'], 'draft.largest', {});
  const scaled = op('Div', [op('Sub', ['draft.best', largest], 'draft.below'), 'temperature'], 'draft.scaled');
  const weights = op('Exp', [scaled], 'draft.weights');
  const total = op('ReduceSum', [weights, last], 'draft.total');
  const before = op('CumSum', [weights, axis], 'draft.before', { exclusive: integer(1) });
  const inNucleus = op('Less', [before, op('Mul', [total, 'top_p'], 'draft.nucleus')], 'draft.in_nucleus');
  const isLikely = op('GreaterOrEqual', [weights, 'min_p'], 'draft.is_likely');
  const kept = op('Where', [op('And', [inNucleus, isLikely], 'draft.is_kept'), weights, zero], 'draft.kept');
  ops('TopK', ['draft.best_ids', 'top_k'], ['draft.ids', 'draft.order'], { axis: integer(-1), largest: integer(0) });
  const sums = op(
    'CumSum',
    [op('GatherElements', [kept, 'draft.order'], 'draft.ordered', { axis: integer(1) }), axis],
    'draft.sums',
  );
  const number = op('Gather', ['uniform', iteration], 'draft.number');
  const drawn = op('Mul', [op('ReduceSum', [kept, last], 'draft.kept_total'), number], 'draft.drawn');
  const passed = op('Cast', [op('LessOrEqual', [sums, drawn], 'draft.is_passed')], 'draft.passed', {
    to: integer(INT64),
  });
  const most = op('Sub', ['top_k', constant('draft.one', longs([1]))], 'draft.most');
  const place = op('Min', [op('ReduceSum', [passed, last], 'draft.place'), most], 'draft.own_place');
  return op('GatherElements', ['draft.ids', place], 'draft.token', { axis: integer(1) });
};
