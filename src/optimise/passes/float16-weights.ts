import { toHalf } from '../../core/half.ts';
import { elementCount, tensor } from '../../core/tensor.ts';
import { createNode, integer, type OnnxGraph, type OnnxNode } from '../../onnx/node.ts';
import { DATA_TYPES, type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { mapGraphs } from './edit-names.ts';
import type { Pass } from './pass.ts';

/** A `Cast` costs more than smaller weights save. */
const LEAST_ELEMENTS = 1024;
/** The largest number of float16. */
const LARGEST = 65_504;

/** `weights` in float16; undefined where they are few, of another type, or have numbers that float16 has not. */
const toHalves = (weights: Weights): Weights | undefined => {
  if (weights.dtype !== 'float32' || elementCount(weights.shape) < LEAST_ELEMENTS) return undefined;
  const { data } = weights.read();
  const halves = new Uint16Array(data.length);
  for (let index = 0; index < data.length; index += 1) {
    const value = Number(data[index]);
    if (!(Math.abs(value) <= LARGEST)) return undefined;
    halves[index] = toHalf(value);
  }
  return weightsOf(`${weights.name}_half`, tensor('float16', weights.shape, halves));
};

const convert = (graph: OnnxGraph): OnnxGraph => {
  const weights = new Map<string, Weights>();
  const casts: OnnxNode[] = [];
  for (const [name, each] of graph.weights) {
    const halves = toHalves(each);
    weights.set(halves?.name ?? name, halves ?? each);
    if (halves) casts.push(createNode('Cast', [halves.name], [name], { to: integer(DATA_TYPES.float32) }));
  }
  return { ...graph, weights, nodes: [...casts, ...graph.nodes.map((node) => mapGraphs(node, convert))] };
};

/** Large float32 weights are kept in float16, with a `Cast` behind each. The runtime folds the casts when it loads the graph. */
export const float16Weights: Pass = ({ graph, opsets }) => ({ graph: convert(graph), opsets });
