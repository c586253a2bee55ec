import type { ReplayedGraph } from './recorded-graph.ts';

/** The largest difference of an output between two processors; infinite where one of them has other outputs. */
const graphDifference = (one: ReplayedGraph, other: ReplayedGraph): number => {
  let largest = 0;
  one.outputs.forEach((outputs, run) => {
    for (const [name, { dtype, data }] of Object.entries(outputs)) {
      if (dtype !== 'float32' && dtype !== 'float64') continue;
      const values = other.outputs[run]?.[name]?.data ?? [];
      data.forEach((value, index) => {
        const difference = Math.abs(value - Number(values[index] ?? Number.NaN));
        if (!Object.is(value, values[index]) && !(difference <= largest))
          largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
      });
    }
  });
  return largest;
};

/** The largest difference for each graph, by its path. */
export const compareOutputs = (one: readonly ReplayedGraph[], other: readonly ReplayedGraph[]): Map<string, number> => {
  const others = new Map(other.map((graph) => [graph.path, graph]));
  return new Map(
    one.map((graph) => [graph.path, graphDifference(graph, others.get(graph.path) ?? { ...graph, outputs: [] })]),
  );
};
