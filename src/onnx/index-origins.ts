import type { Lookup, Tensor } from '../core/tensor.ts';
import type { OnnxGraph, OnnxNode } from './node.ts';

/** Operators whose output has the elements of their first input, in the same order. */
const RESHAPING = new Set(['Squeeze', 'Unsqueeze', 'Reshape', 'Flatten']);
const KEEPING = new Set(['Identity', 'Cast', ...RESHAPING]);
/** Operators whose output has the shape of their first input. A table of small numbers stands before them. */
const ALIKE = new Set(['Identity', 'Cast', 'DequantizeLinear']);
/** The most operators between an input and the node with its table. */
const MOST_STEPS = 16;
/** Nodes that are visited for the inputs behind indices that the graph computes. */
const MOST_NODES = 1_000;

type Size = Lookup['sizes'][number];
type Linear = NonNullable<Lookup['linear']>;

/** An input whose elements lead to indices. */
interface Source {
  readonly name: string;
  readonly isReshaped: boolean;
  readonly linear: Linear;
}

const SAME: Linear = { factor: 1, offset: 0 };

/** A step from the result of a node with one operand that is no constant, `value`, back to that operand. */
const STEPS: Readonly<Record<string, (linear: Linear, value: number, isFirst: boolean) => Linear>> = {
  Add: ({ factor, offset }, value) => ({ factor, offset: offset + factor * value }),
  Mul: ({ factor, offset }, value) => ({ factor: factor * value, offset }),
  Sub: ({ factor, offset }, value, isFirst) =>
    isFirst ? { factor: -factor, offset: offset + factor * value } : { factor, offset: offset - factor * value },
};

/** The operand of a node that computes each element of its result of one of the operand, and how. */
const stepBack = (
  numberOf: (name: string) => number | undefined,
  node: OnnxNode | undefined,
  linear: Linear,
): { readonly name: string; linear: Linear } | undefined => {
  if (node === undefined || node.domain !== '') return undefined;
  const [first = '', second = ''] = node.inputs;
  if (KEEPING.has(node.operator)) return { name: first, linear };
  const { factor, offset } = linear;
  if (node.operator === 'Neg') return { name: first, linear: { factor: -factor, offset } };
  const step = Object.hasOwn(STEPS, node.operator) ? STEPS[node.operator] : undefined;
  const [left, right] = step ? [numberOf(first), numberOf(second)] : [];
  if (step && right !== undefined) return { name: first, linear: step(linear, right, false) };
  return step && left !== undefined ? { name: second, linear: step(linear, left, true) } : undefined;
};

/** Reads what the nodes of one graph are connected to. */
export const createOriginReader = ({ nodes, weights, inputs }: OnnxGraph) => {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const names = new Set(inputs.map(({ name }) => name));

  const constantOf = (name: string): Tensor | undefined => {
    const { value } = makers.get(name)?.attributes ?? {};
    return value?.type === 'tensor' ? value.value : undefined;
  };

  /** The only number of a constant; undefined for anything else, and for weights in another file. */
  const numberOf = (name: string): number | undefined => {
    const stored = weights.get(name);
    if (stored?.external !== undefined || stored?.shape.some((size) => size !== 1)) return undefined;
    try {
      const { data = [] } = stored?.read() ?? constantOf(name) ?? {};
      return data.length === 1 ? Number(data[0]) : undefined;
    } catch {
      return undefined; // damaged: the runtime says so when it loads the graph
    }
  };

  /** The input of the graph whose elements lead to those of `value` one by one. */
  const inputOf = (value: string): Source | undefined => {
    let [name, linear, isReshaped] = [value, SAME, false];
    for (let count = 0; count < MOST_STEPS; count += 1) {
      if (names.has(name)) return { name, isReshaped, linear };
      const maker = makers.get(name);
      const step = stepBack(numberOf, maker, linear);
      if (step === undefined) return undefined;
      ({ name, linear } = step);
      isReshaped ||= RESHAPING.has(maker?.operator ?? '');
    }
    return undefined;
  };

  /** The inputs of the graph that `value` depends on. */
  const inputsBehind = (value: string): readonly string[] => {
    const seen = new Set([value]);
    for (const name of seen) {
      if (seen.size > MOST_NODES) break;
      for (const operand of makers.get(name)?.inputs ?? []) seen.add(operand);
    }
    return [...seen].filter((name) => names.has(name));
  };

  /** The sizes of `value` from the dimension `first` on; undefined where they are not known before a run. */
  const sizesOf = (value: string, first: number): readonly Size[] | undefined => {
    let name = value;
    for (let count = 0; count < MOST_STEPS && ALIKE.has(makers.get(name)?.operator ?? ''); count += 1)
      name = makers.get(name)?.inputs[0] ?? '';
    const shape = weights.get(name)?.shape ?? constantOf(name)?.shape;
    return shape?.slice(first) ?? (names.has(name) ? [{ input: name, axis: first }] : undefined);
  };

  return { inputOf, inputsBehind, sizesOf };
};
