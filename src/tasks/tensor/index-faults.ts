import type { Lookup, Signature, Tensor, Tensors } from '../../core/tensor.ts';

/** Messages of onnxruntime about an index, with the index, and the ends of the range where it names them. */
const INDEX_FAULTS: readonly RegExp[] = [
  /indices element out of data bounds, idx=(?<index>-?\d+) must be within the inclusive range \[(?<low>-?\d+),(?<high>-?\d+)\]/,
  /index is out of range: Y\[\d+\] \((?<index>-?\d+)\) must be in \[(?<low>0), (?<size>\d+)\)/,
  /invalid ind(?:ex|ice) found, ind(?:ex|ice) = (?<index>-?\d+)/,
  /Out of range value in index tensor|input index out of range/,
];

interface IndexFault {
  readonly index: bigint | undefined;
  /** `0 to 9`, when the runtime tells it. */
  readonly range: string | undefined;
}

const findIndexFault = (message: string): IndexFault | undefined => {
  for (const pattern of INDEX_FAULTS) {
    const match = pattern.exec(message);
    if (match === null) continue;
    const { index, low, high, size } = match.groups ?? {};
    const last = size === undefined ? high : String(Number(size) - 1);
    return {
      index: index === undefined ? undefined : BigInt(index),
      range: low === undefined || last === undefined ? undefined : `${low} to ${last}`,
    };
  }
  return undefined;
};

/** The name of the tensor that has `index` among its elements, and the place of the element. */
const findElement = (feeds: Tensors, index: bigint): { readonly name: string; readonly place: string } | undefined => {
  for (const [name, tensor] of Object.entries(feeds)) {
    if (tensor.dtype === 'string') continue;
    const position = tensor.data.findIndex((value: number | bigint) => value === index || value === Number(index));
    if (position >= 0) return { name, place: formatPlace(tensor, position) };
  }
  return undefined;
};

const formatPlace = ({ shape }: Tensor, position: number): string => {
  const place: number[] = [];
  let rest = position;
  for (const size of shape.toReversed()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${place}]`;
};

export const formatShapes = (feeds: Tensors): string =>
  Object.entries(feeds)
    .map(([name, { shape }]) => `"${name}" [${shape}]`)
    .join(', ');

/** The sizes of a table in this run. */
const sizesIn = ({ sizes }: Lookup, feeds: Tensors): readonly (number | undefined)[] =>
  sizes.map((size) => (typeof size === 'number' ? size : fedOf(feeds, size.input)?.shape.at(size.axis)));

const isBeyond = (index: number, size: number, { fromEnd }: Lookup): boolean =>
  index >= size || index < (fromEnd ? -size : 0);

const formatRange = (size: number, { fromEnd }: Lookup): string => `${fromEnd ? -size : 0} to ${size - 1}`;

/** The names are those of a foreign graph: `constructor` is no tensor unless it was fed. */
const fedOf = (feeds: Tensors, name: string): Tensor | undefined =>
  Object.hasOwn(feeds, name) ? feeds[name] : undefined;

/** The first element that no table of its input has; undefined where the tables of the inputs are not known. */
const findBeyondTable = ({ inputs }: Signature, feeds: Tensors): string | undefined => {
  for (const { name, lookups = [] } of inputs) {
    const tensor = fedOf(feeds, name);
    if (tensor === undefined || tensor.dtype === 'string') continue;
    for (const lookup of lookups) {
      const { linear, computedFor } = lookup;
      if (computedFor !== undefined) continue;
      const sizes = sizesIn(lookup, feeds);
      const width = sizes.length === 1 ? 1 : (tensor.shape.at(-1) ?? 1);
      const indexOf = (value: number | bigint): number =>
        linear ? Math.trunc(Number(value) * linear.factor + linear.offset) : Number(value);
      const position = tensor.data.findIndex((value: number | bigint, place: number) =>
        isBeyond(indexOf(value), sizes[place % width] ?? Number.POSITIVE_INFINITY, lookup),
      );
      const value = tensor.data[position];
      if (value === undefined) continue;
      const place = `at ${formatPlace(tensor, position)}`;
      const expected = `is out of range, expected ${formatRange(sizes[position % width] ?? 0, lookup)}`;
      return linear
        ? `input "${name}": ${value} ${place} leads to index ${indexOf(value)}, which ${expected}`
        : `input "${name}": index ${value} ${place} ${expected}`;
    }
  }
  return undefined;
};

/** The inputs of which the graph computes the indices of an operator, and the ranges of its tables that do not have `index`. */
const findComputed = ({ inputs }: Signature, feeds: Tensors, operator: string, index: bigint | undefined) => {
  const tables = inputs.flatMap(({ name, lookups = [] }) =>
    lookups.filter(({ computedFor }) => computedFor === operator).map((lookup) => ({ name, lookup })),
  );
  const ranges = tables.flatMap(({ lookup }) =>
    sizesIn(lookup, feeds).flatMap((size) =>
      size === undefined || (index !== undefined && !isBeyond(Number(index), size, lookup))
        ? []
        : [formatRange(size, lookup)],
    ),
  );
  return { names: new Set(tables.map(({ name }) => name)), ranges: [...new Set(ranges)] };
};

const describeIndex = (
  { index, range }: IndexFault,
  operator: string,
  signature: Signature,
  feeds: Tensors,
): string => {
  const { names, ranges } = findComputed(signature, feeds, operator, index);
  const known = range ?? (ranges.length > 0 ? ranges.join(' or ') : undefined);
  const expected = known === undefined ? '' : `, expected ${known}`;
  const behind =
    names.size === 0 ? feeds : Object.fromEntries(Object.entries(feeds).filter(([name]) => names.has(name)));
  const element = index === undefined ? undefined : findElement(behind, index);
  if (element !== undefined)
    return `input "${element.name}": index ${index} at ${element.place} is out of range${expected}`;
  const which = index === undefined ? 'an index' : `index ${index}`;
  return `the inputs ${formatShapes(behind)} lead to ${which} that is out of range${expected}; send smaller ids, or shorter rows`;
};

/** The explanation of an index that is out of range, which a node `operator` met; undefined for any other message. */
export const explainIndex = (
  message: string,
  operator: string,
  signature: Signature,
  feeds: Tensors,
): string | undefined => {
  const fault = findIndexFault(message);
  return fault && (findBeyondTable(signature, feeds) ?? describeIndex(fault, operator, signature, feeds));
};
