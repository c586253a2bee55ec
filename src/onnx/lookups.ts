import type { Lookup } from '../core/tensor.ts';
import { createOriginReader } from './index-origins.ts';
import { integerOf, type OnnxGraph, type OnnxNode } from './node.ts';

/** An operator that takes indices, with the attribute that names the first dimension of the data that they count. */
interface IndexOperator {
  readonly attribute: string;
  /** True where the last dimension of the indices counts several dimensions of the data. */
  readonly isTuple: boolean;
}

const along = { attribute: 'axis', isTuple: false } as const;
const tuples = { attribute: 'batch_dims', isTuple: true } as const;

/** Operators of ONNX with data and indices that refuse an index out of range. https://onnx.ai/onnx/operators/ */
const OPERATORS: Readonly<Record<string, IndexOperator>> = {
  Gather: along,
  GatherElements: along,
  Scatter: along,
  ScatterElements: along,
  GatherND: tuples,
  ScatterND: tuples,
};

/** Embeddings of onnxruntime, whose ids are never negative: the places of ids and of their tables. */
const EMBEDDING = /^Q?EmbedLayerNormalization$/;
const EMBEDDED: readonly (readonly [ids: number, table: number])[] = [
  [0, 2],
  [1, 4],
];

/** Tables that are kept for an input, of each kind. */
const MOST_LOOKUPS = 8;

/**
 * The tables in which a graph looks up elements of its inputs, by the name of the input: an index beyond a table is the caller's fault.
 * An index that the graph computes has the inputs that it depends on. Graphs within nodes are left out.
 */
export const findLookups = (graph: OnnxGraph): ReadonlyMap<string, readonly Lookup[]> => {
  const { inputOf, inputsBehind, sizesOf } = createOriginReader(graph);
  const found = new Map<string, Lookup[]>();

  const keep = (input: string, lookup: Lookup): void => {
    const lookups = found.get(input) ?? [];
    found.set(input, lookups);
    const isComputed = lookup.computedFor !== undefined;
    const alike = lookups.filter(({ computedFor }) => (computedFor !== undefined) === isComputed);
    if (alike.length < MOST_LOOKUPS) lookups.push(lookup);
  };

  const add = (
    operator: string,
    indices = '',
    data = '',
    first = 0,
    { isTuple = false, fromEnd = true } = {},
  ): void => {
    const sizes = sizesOf(data, first)?.slice(0, isTuple ? undefined : 1) ?? [];
    // The last dimension of the indices tells how many numbers a tuple has.
    if (sizes.length === 0 || (isTuple && typeof sizes[0] !== 'number')) return;
    const input = inputOf(indices);
    if (input === undefined || (isTuple && sizes.length > 1 && input.isReshaped))
      for (const name of inputsBehind(indices)) keep(name, { sizes, fromEnd, computedFor: operator });
    else {
      const { factor, offset } = input.linear;
      keep(input.name, { sizes, fromEnd, ...((factor !== 1 || offset !== 0) && { linear: input.linear }) });
    }
  };

  const visit = (node: OnnxNode): void => {
    const { operator, domain, inputs } = node;
    if (domain === 'com.microsoft' && EMBEDDING.test(operator))
      for (const [ids, table] of EMBEDDED) add(operator, inputs[ids], inputs[table], 0, { fromEnd: false });
    const known = domain === '' && Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
    if (known) add(operator, inputs[1], inputs[0], integerOf(node, known.attribute, 0), known);
  };
  for (const node of graph.nodes) visit(node);
  return found;
};
