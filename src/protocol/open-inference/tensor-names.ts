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

/** The tensors of one request, which runs one graph: those of the first one, under the names of `tensorSignature`. */
export const firstSignature = (graphs: GraphSignatures): Signature => {
  const { inputs, outputs } = tensorSignature(graphs);
  const [first, ...others] = Object.keys(graphs);
  if (others.length === 0) return { inputs, outputs };
  const ofFirst = (specs: Signature['inputs']) => specs.filter(({ name }) => name.startsWith(`${first}${SEPARATOR}`));
  return { inputs: ofFirst(inputs), outputs: ofFirst(outputs) };
};
