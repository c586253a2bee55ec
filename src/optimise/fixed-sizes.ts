import { type Dimensions, dimensionAt, dimensionKey } from '../core/blank.ts';
import { refuse } from '../core/errors.ts';
import { formatDeclared, readValueInfo } from '../onnx/value-info.ts';
import type { LocalVersion } from './measuring/local-version.ts';
import { fixSizes, type Sizes } from './passes/fix-sizes.ts';
import type { PreparedGraph } from './prepared-version.ts';

/**
 * Fixes the sizes of inputs that the samples share.
 * @param sizes those of each graph's inputs, by role
 * @throws `INVALID_REQUEST` when no graph has such a size
 */
export const fixGraphs = (
  graphs: readonly PreparedGraph[],
  sizes: ReadonlyMap<string, Sizes>,
): readonly PreparedGraph[] => {
  const fixed = graphs.map((graph) => ({
    ...graph,
    prepared: fixSizes(graph.prepared, sizes.get(graph.role) ?? new Map()),
  }));
  if (fixedSizesOf(fixed).length > 0) return fixed;
  return refuse(
    'INVALID_REQUEST',
    '--fixed-sizes finds no size to fix: each is fixed already, or differs between samples, or counts rows; leave the option out',
  );
};

/** The inputs whose sizes were fixed, such as `pixels float32[n,3,224,224]`. */
export const fixedSizesOf = (graphs: readonly PreparedGraph[]): string[] =>
  graphs.flatMap(({ original, prepared: { graph } }) =>
    graph.inputs
      .filter((input) => !original.document.graph.inputs.includes(input))
      .map(({ encoded }) => formatDeclared(readValueInfo(Buffer.concat(encoded)))),
  );

/** Tells of the key of a dimension whether an input still has that dimension open. */
const isOpenIn = (graphs: readonly PreparedGraph[], key: string): boolean =>
  graphs.some(({ prepared }) =>
    prepared.graph.inputs.some(({ encoded }) => {
      const { name, shape = [] } = readValueInfo(Buffer.concat(encoded));
      return shape.some(
        (size, axis) =>
          typeof size === 'string' && [dimensionKey(name, axis, size), dimensionAt(name, axis)].includes(key),
      );
    }),
  );

/** The version whose made-up input names no size that was fixed. */
export const withOpenDimensions = (version: LocalVersion, graphs: readonly PreparedGraph[]): LocalVersion => {
  if (fixedSizesOf(graphs).length === 0) return version;
  const { warmup } = version.bundle;
  const open = Object.entries(warmup.dimensions).filter(([key]) => isOpenIn(graphs, key));
  const dimensions: Dimensions = Object.fromEntries(open);
  return { ...version, bundle: { ...version.bundle, warmup: { ...warmup, dimensions } } };
};
