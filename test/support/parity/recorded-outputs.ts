import type { Graph } from '../../../src/core/graph.ts';
import { mapTensors, type Tensors, tensor } from '../../../src/core/tensor.ts';

/**
 * The graph with the outputs of the reference in place of its own, by name: all that follows is then the same on every processor, and is
 * compared exactly.
 * @throws when the graph gives an output of another size
 */
export const withRecordedOutputs = (graph: Graph, recorded: Readonly<Record<string, Float32Array>>): Graph => ({
  signature: graph.signature,
  run: async (feeds, outputNames): Promise<Tensors> =>
    mapTensors(await graph.run(feeds, outputNames), (own, name) => {
      const data = recorded[name];
      if (data === undefined) return own;
      if (data.length !== own.data.length)
        throw new Error(`output ${name} has ${own.data.length} numbers, and the reference ${data.length}`);
      return tensor('float32', own.shape, data);
    }),
});

/** How far our float32 arithmetic after a graph may lie from the reference's: eight steps of a number around 1. */
export const EXACT = 2 ** -20;
