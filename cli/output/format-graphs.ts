import { formatSpec, type TensorSpec } from '../../src/core/tensor.ts';
import type { Draft } from '../../src/repository/versions/publish.ts';

/** Tensors by name, those of equal form that only a number tells apart on one line: `past_key_values.*.decoder.key float32[…] (12)`. */
export const formatSpecs = (specs: readonly TensorSpec[]): string[] => {
  const groups = Map.groupBy(specs, (spec) => `${spec.name.replaceAll(/\d+/g, '*')} ${formatSpec(spec)}`);
  return [...groups].map(([line, members]) => {
    const [only] = members;
    return only && members.length === 1 ? `${only.name} ${formatSpec(only)}` : `${line} (${members.length})`;
  });
};

/** File, inputs, outputs and load of each graph; the names begin with its role where there are several graphs. */
export const graphFields = (
  graphs: Draft['graphs'],
  describeLoad: (graph: Draft['graphs'][string]) => string,
): Record<string, string | string[]> => {
  const isOnly = Object.keys(graphs).length === 1;
  const fields = Object.entries(graphs).flatMap(([role, graph]): [name: string, value: string | string[]][] => {
    const key = (name: string): string => (isOnly ? name : `${role} ${name}`);
    const { file, externalData, signature, baked } = graph;
    return [
      [role, [file, ...externalData].join(' + ') + (baked ? `, baked from ${baked.from}` : '')],
      [key('inputs'), formatSpecs(signature.inputs)],
      [key('outputs'), formatSpecs(signature.outputs)],
      [key('loads in'), describeLoad(graph)],
    ];
  });
  return Object.fromEntries(fields);
};
