import type { Graph } from '../../core/graph.ts';
import type { Sizes } from '../passes/fix-sizes.ts';

/** Sees the sizes of the inputs of all graphs while they run. */
export const createSizeRecorder = () => {
  const sizes = new Map<string, Map<string, readonly (number | undefined)[]>>();
  const wrap = (graph: Graph, role: string): Graph => {
    const known = new Map<string, readonly (number | undefined)[]>();
    sizes.set(role, known);
    return {
      signature: graph.signature,
      run: (feeds, names) => {
        for (const [name, { shape }] of Object.entries(feeds)) {
          const before = known.get(name) ?? shape;
          known.set(
            name,
            shape.map((size, axis) => (before[axis] === size ? size : undefined)),
          );
        }
        return graph.run(feeds, names);
      },
    };
  };
  return { wrap, sizes: sizes satisfies ReadonlyMap<string, Sizes> };
};
