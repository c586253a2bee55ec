import type { Signature } from '../../core/tensor.ts';

/** Signatures of a model's graphs by role. */
export type GraphSignatures = Readonly<Record<string, { readonly signature: Signature }>>;

export const SEPARATOR = '/';

/** The tensors of every graph: under their own names where there is one graph, else as `<role>/<name>`. */
export const tensorSignature = (graphs: GraphSignatures): Signature => {
  const entries = Object.entries(graphs);
  const [only] = entries;
  if (only && entries.length === 1) return only[1].signature;
  const named = (kind: 'inputs' | 'outputs') =>
    entries.flatMap(([role, { signature }]) =>
      signature[kind].map((spec) => ({ ...spec, name: `${role}${SEPARATOR}${spec.name}` })),
    );
  return { inputs: named('inputs'), outputs: named('outputs') };
};
