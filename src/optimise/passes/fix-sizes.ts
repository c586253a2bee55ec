import { isAnonymous } from '../../core/blank.ts';
import { isDType } from '../../core/tensor.ts';
import type { GraphDocument } from '../../onnx/graph-document.ts';
import { encodeValueInfo, type ValueInfo } from '../../onnx/tensor-proto.ts';
import { type DeclaredValue, readValueInfo } from '../../onnx/value-info.ts';

/** Sizes of the dimensions of inputs, by input: undefined where they differ. */
export type Sizes = ReadonlyMap<string, readonly (number | undefined)[]>;

/** The dimensions by name that are rows, or that have two sizes: those stay open. */
const openNames = (inputs: readonly DeclaredValue[], sizes: Sizes): ReadonlySet<string> => {
  const known = new Map<string, number | undefined>();
  const open = new Set<string>();
  for (const { name, shape = [] } of inputs)
    for (const [axis, dimension] of shape.entries()) {
      if (typeof dimension === 'number' || isAnonymous(dimension)) continue;
      const size = sizes.get(name)?.[axis];
      if (axis === 0 || (known.has(dimension) && known.get(dimension) !== size)) open.add(dimension);
      known.set(dimension, size);
    }
  return open;
};

/**
 * Fixes the sizes of inputs that were the same in all samples. The first dimension stays open: rows of several requests run together. The
 * runtime then computes at load what depends on these sizes alone, and refuses other ones.
 */
export const fixSizes = ({ graph, opsets }: GraphDocument, sizes: Sizes): GraphDocument => {
  const declared = graph.inputs.map(({ encoded }) => readValueInfo(Buffer.concat(encoded)));
  const open = openNames(declared, sizes);
  const inputs = graph.inputs.map((input, index): ValueInfo => {
    const { name, type, shape } = declared[index] ?? { name: '', type: '', shape: undefined };
    const fixed = shape?.map((dimension, axis) =>
      typeof dimension === 'number' || axis === 0 || open.has(dimension)
        ? dimension
        : (sizes.get(name)?.[axis] ?? dimension),
    );
    if (!isDType(type) || fixed === undefined || fixed.every((size, axis) => size === shape?.[axis])) return input;
    return { name, encoded: encodeValueInfo(name, type, fixed) };
  });
  const isChanged = inputs.some((input, index) => input !== graph.inputs[index]);
  return isChanged ? { graph: { ...graph, inputs }, opsets } : { graph, opsets };
};
