import { type DType, isDType, type Tensor, tensor } from '../core/tensor.ts';
import { DRAFT_INPUTS, ONE_STEP } from '../generation/causal/draft.ts';
import { oldOf } from '../generation/causal/layout.ts';
import { toField } from '../onnx/chunks.ts';
import { longs } from '../onnx/graph-builder.ts';
import type { GraphDocument } from '../onnx/graph-document.ts';
import { createNode, graphsOf, integer, type OnnxGraph, type OnnxNode } from '../onnx/node.ts';
import { fields } from '../onnx/protobuf.ts';
import { GRAPH } from '../onnx/schema.ts';
import { encodeValueInfo, type ValueInfo } from '../onnx/tensor-proto.ts';
import { type DeclaredValue, readValueInfo } from '../onnx/value-info.ts';
import { ATTENTION } from './attention.ts';
import { addDraft, createNodes, type Nodes } from './draft-nodes.ts';
import { splitAttentions } from './split-attention.ts';

/** The first set of operators with the forms that are used here. */
const LEAST_OPSET = 13;
/** Numbers of data types in `Cast`. */
const INT32 = 6;
const INT64 = 7;

/** The name of a value within a step. A step may use the weights and inputs of the graph around it, whose names must differ. */
const inStep = (name: string): string => (name === '' ? '' : `step.${name}`);
const ITERATION = inStep('iteration');

const declared = ({ encoded }: ValueInfo): DeclaredValue => readValueInfo(Buffer.concat([...encoded]));

const info = (name: string, dtype: DType, shape: readonly (number | string)[]): ValueInfo => ({
  name,
  encoded: encodeValueInfo(name, dtype, shape),
});

/** `value` with another name. Sizes of states change from step to step: those with names would have to stay. */
const renamed = (value: ValueInfo, name: string): ValueInfo => {
  const { type, shape = [] } = declared(value);
  const sizes = shape.map((size) => (typeof size === 'number' ? size : ''));
  return info(name, isDType(type) ? type : 'float32', sizes);
};

/** A value that a step hands on. */
interface State {
  /** The input of the graph. */
  readonly input: ValueInfo;
  /** Its name behind a step. */
  readonly next: string;
  /** The output of the graph; undefined for a value that nobody reads. */
  readonly output: ValueInfo | undefined;
}

const scalar = (value: number): Tensor => tensor('int64', [], BigInt64Array.of(BigInt(value)));

/** The value of an input for the next step; undefined for an input that stays. @param token int64[1,1] */
const addNext = (nodes: Nodes, { name, type }: DeclaredValue, token: string): string | undefined => {
  const own = inStep(name);
  const isWide = type === 'int64';
  const one = (): string =>
    nodes.constant(
      `one.${name}`,
      isWide ? tensor('int64', [1, 1], BigInt64Array.of(1n)) : tensor('int32', [1, 1], Int32Array.of(1)),
    );
  switch (name) {
    case 'input_ids':
      return nodes.op(isWide ? 'Identity' : 'Cast', [token], 'next.input_ids', isWide ? {} : { to: integer(INT32) });
    case 'attention_mask':
      return nodes.op('Concat', [own, one()], 'next.attention_mask', { axis: integer(1) });
    case 'position_ids': {
      const bounds = Object.entries({ start: -1, end: 2 ** 40, axis: 1 }).map(([bound, value]) =>
        nodes.constant(`position.${bound}`, longs([value])),
      );
      return nodes.op('Add', [nodes.op('Slice', [own, ...bounds], 'position.last'), one()], 'next.position_ids');
    }
    default:
      return name.startsWith('past_key_values.') ? inStep(presentOf(name)) : undefined;
  }
};

const presentOf = (past: string): string => past.replace('past_key_values.', 'present.');

/** The states of a step, in the order of the graph's inputs. */
const addStates = ({ inputs, outputs }: OnnxGraph, nodes: Nodes, token: string): State[] =>
  inputs.flatMap((input) => {
    const next = addNext(nodes, declared(input), token);
    const output = outputs.find(({ name }) => name === presentOf(input.name));
    return next === undefined ? [] : [{ input, next, output }];
  });

/** Tells whether `token` is none of `last_tokens`. */
const addGoesOn = ({ op, constant }: Nodes, token: string): string => {
  const isLast = op('Equal', [token, 'last_tokens'], 'step.is_last');
  const numbers = op('Cast', [isLast], 'step.last_numbers', { to: integer(INT64) });
  const count = op('ReduceSum', [numbers], 'step.last_count', { keepdims: integer(0) });
  return op('Equal', [count, constant('step.none', scalar(0))], 'step.goes_on');
};

/** The nodes of a decoder, with the names of a step for `states` and outputs. */
const nodesOfStep = ({ nodes, outputs }: OnnxGraph, states: readonly State[]): OnnxNode[] => {
  const own = new Set([...states.map(({ input }) => input.name), ...outputs.map(({ name }) => name)]);
  const rename = (name: string): string => (own.has(name) ? inStep(name) : name);
  return nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
};

/** The logits as a graph declares them; undefined where it cannot be repeated. */
const repeatableLogits = ({ graph, opsets }: GraphDocument): { dtype: DType; width: number | string } | undefined => {
  const { nodes, inputs, outputs, rest } = graph;
  const logits = outputs.find(({ name }) => name === 'logits');
  const { type = '', shape = [] } = logits ? declared(logits) : {};
  const [, positions, width = ''] = shape;
  const isKnown =
    (opsets.get('') ?? 0) >= LEAST_OPSET &&
    positions === 1 &&
    inputs.some(({ name }) => name === 'input_ids') &&
    nodes.some(({ operator }) => operator === ATTENTION) &&
    nodes.every((node) => graphsOf(node).length === 0) &&
    ![...fields(Buffer.concat([...rest]))].some(({ number }) => number === GRAPH.sparseInitializer);
  return isKnown && isDType(type) ? { dtype: type, width } : undefined;
};

/** The inputs of drafts, as the graph declares them. */
const draftInputs = (): ValueInfo[] =>
  Object.entries(DRAFT_INPUTS).map(([name, toValue]) => {
    const { dtype, shape } = toValue(ONE_STEP, 1);
    const isOpen = name === 'uniform' || name === 'last_tokens';
    return info(name, dtype, isOpen ? [name] : shape);
  });

/**
 * A decoder that takes several steps in one run: its nodes become the body of a `Loop`, and its tokens, mask, positions and caches the state.
 * Each step drafts the token that the next one gets. The outputs are `logits` [steps,1,V] of each step, and `drafts` int64[steps]. The loop
 * ends early behind one of `last_tokens`. Weights stay where they are. A run of one step has the outputs that the graph had.
 *
 * Inputs `old_key_values.*` may hold the tokens of before the run, if all attentions are known. The caches then hold those of the run alone.
 *
 * Returns the same graph where it gives logits of more than the last position, has no `GroupQueryAttention`, or has graphs within nodes.
 * https://onnx.ai/onnx/operators/onnx__Loop.html
 */
export const withDecodingLoop = (document: GraphDocument): GraphDocument => {
  const given = repeatableLogits(document);
  if (given === undefined) return document;
  const { graph, opsets } = document;
  const nodes = createNodes();
  const logits = nodes.op('Squeeze', [inStep('logits'), nodes.constant('step.axis', longs([0]))], 'step.row');
  const token = addDraft(nodes, logits, ITERATION);
  const states = addStates(graph, nodes, token);
  const draft = nodes.op('Squeeze', [token], 'step.draft');
  const goesOn = addGoesOn(nodes, token);
  const always = nodes.constant('always', tensor('bool', [], Uint8Array.of(1)));
  const caches = states.filter(({ output }) => output !== undefined).map(({ input }) => input);
  const cacheOf = new Map(caches.map((input) => [inStep(input.name), declared(input)]));
  const step = nodesOfStep(graph, states);
  const split = splitAttentions(graph, step, (past) => cacheOf.get(past));
  const body: OnnxGraph = {
    nodes: [...(split?.nodes ?? step), ...nodes.nodes],
    weights: new Map(),
    inputs: [
      info(ITERATION, 'int64', []),
      info(inStep('goes_on_before'), 'bool', []),
      ...states.map(({ input }) => renamed(input, inStep(input.name))),
    ],
    outputs: [
      info(goesOn, 'bool', []),
      ...states.map(({ input, next, output }) => renamed(output ?? input, next)),
      info(logits, given.dtype, ['', given.width]),
      info(draft, 'int64', []),
    ],
    rest: toField(GRAPH.name, 'step'),
  };
  const added = [...nodes.weights, ...(split?.weights ?? [])];
  const results = states.map(({ next, output }) => output?.name ?? `last.${next}`);
  const taken = ['steps', always, ...states.map(({ input }) => input.name)];
  const loop = createNode('Loop', taken, [...results, 'logits', 'drafts'], { body: { type: 'graph', value: body } });
  return {
    opsets,
    graph: {
      nodes: [loop],
      weights: new Map([...graph.weights, ...added.map((each) => [each.name, each] as const)]),
      inputs: [
        ...graph.inputs,
        ...draftInputs(),
        ...(split ? caches.map((cache) => renamed(cache, oldOf(cache.name))) : []),
      ],
      outputs: [
        info('logits', given.dtype, ['steps', 1, given.width]),
        ...graph.outputs.filter(({ name }) => name !== 'logits'),
        info('drafts', 'int64', ['steps']),
      ],
      rest: toField(GRAPH.name, 'steps'),
    },
  };
};
