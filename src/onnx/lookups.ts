import type { Lookup } from '../core/tensor.ts';
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

/** Operators whose output has the elements of their first input, in the same order. */
const KEEPING = new Set(['Identity', 'Cast', 'Squeeze', 'Unsqueeze', 'Reshape', 'Flatten']);
/** The most of such operators between an input and the node with its table. */
const MOST_STEPS = 16;
/** Tables that are kept for an input. */
const MOST_LOOKUPS = 8;

type Size = Lookup['sizes'][number];

/** Reads what the nodes of one graph are connected to. */
const createReader = ({ nodes, weights, inputs }: OnnxGraph) => {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const names = new Set(inputs.map(({ name }) => name));

  /** The input of the graph whose elements are those of `value`. */
  const inputOf = (value: string): { readonly name: string; readonly isReshaped: boolean } | undefined => {
    let [name, isReshaped] = [value, false];
    for (let step = 0; step < MOST_STEPS; step += 1) {
      if (names.has(name)) return { name, isReshaped };
      const maker = makers.get(name);
      if (maker === undefined || maker.domain !== '' || !KEEPING.has(maker.operator)) return undefined;
      name = maker.inputs[0] ?? '';
      isReshaped ||= maker.operator !== 'Identity' && maker.operator !== 'Cast';
    }
    return undefined;
  };

  /** The sizes of `value` from the dimension `first` on; undefined where they are not known before a run. */
  const sizesOf = (value: string, first: number): readonly Size[] | undefined => {
    const constant = makers.get(value)?.attributes.value;
    const shape = weights.get(value)?.shape ?? (constant?.type === 'tensor' ? constant.value.shape : undefined);
    return shape?.slice(first) ?? (names.has(value) ? [{ input: value, axis: first }] : undefined);
  };

  return { inputOf, sizesOf };
};

/**
 * The tables in which a graph looks up elements of its inputs, by the name of the input: an index beyond a table is the caller's fault.
 * Indices that the graph computes are left out, and so are graphs within nodes.
 */
export const findLookups = (graph: OnnxGraph): ReadonlyMap<string, readonly Lookup[]> => {
  const { inputOf, sizesOf } = createReader(graph);
  const found = new Map<string, Lookup[]>();

  const add = (indices = '', data = '', first = 0, { isTuple = false, fromEnd = true } = {}): void => {
    const input = inputOf(indices);
    const sizes = sizesOf(data, first)?.slice(0, isTuple ? undefined : 1) ?? [];
    if (input === undefined || sizes.length === 0) return;
    // The last dimension of the input tells how many numbers a tuple has.
    if (isTuple && (typeof sizes[0] !== 'number' || (sizes.length > 1 && input.isReshaped))) return;
    const lookups = found.get(input.name) ?? [];
    found.set(input.name, lookups);
    if (lookups.length < MOST_LOOKUPS) lookups.push({ sizes, fromEnd });
  };

  const visit = (node: OnnxNode): void => {
    const { operator, domain, inputs } = node;
    if (domain === 'com.microsoft' && EMBEDDING.test(operator))
      for (const [ids, table] of EMBEDDED) add(inputs[ids], inputs[table], 0, { fromEnd: false });
    const known = domain === '' ? OPERATORS[operator] : undefined;
    if (known) add(inputs[1], inputs[0], integerOf(node, known.attribute, 0), known);
  };
  for (const node of graph.nodes) visit(node);
  return found;
};
