import { isObject } from '../../core/is-object.ts';
import type { KerasTensor } from './keras-tensor.ts';

/** A tensor by the layer that makes it, the number of its call, and the number among the outputs of the call. */
export class Reference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;

  constructor(layer: string, node: number, tensor: number) {
    this.layer = layer;
    this.node = node;
    this.tensor = tensor;
  }

  get key(): string {
    return `${this.layer}\n${this.node}\n${this.tensor}`;
  }
}

/** The arguments of a call, with references in the place of tensors. */
export interface Arguments {
  readonly positional: readonly unknown[];
  readonly named: Readonly<Record<string, unknown>>;
}

/** The name of Keras 2 for an argument that is no tensor. */
const CONSTANT = '_CONSTANT_VALUE';

/** `["dense", 0, 0]`, perhaps with named arguments behind. */
const toReference = (value: unknown): Reference | undefined => {
  if (!Array.isArray(value)) return undefined;
  const [layer, node, tensor]: readonly unknown[] = value;
  return typeof layer === 'string' && typeof node === 'number' && typeof tensor === 'number' && value.length <= 4
    ? new Reference(layer, node, tensor)
    : undefined;
};

/** Replaces the tensors within an argument, of either version, by references. */
const parseArgument = (value: unknown): unknown => {
  const reference = toReference(value);
  if (reference !== undefined) return reference;
  if (Array.isArray(value)) return value.map(parseArgument);
  if (!isObject(value)) return value;
  if (value.class_name === '__keras_tensor__' && isObject(value.config))
    return toReference(value.config.keras_history) ?? value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, parseArgument(part)]));
};

const parseNamed = (value: unknown): Readonly<Record<string, unknown>> => {
  const parsed = parseArgument(value ?? {});
  return isObject(parsed) ? parsed : {};
};

/** `["dense", 0, 0, {…}]` of Keras 2: a tensor or a constant, and named arguments of its call. */
const parseEntry = (entry: unknown): { readonly argument: unknown; readonly named: unknown } => {
  const parts: readonly unknown[] = Array.isArray(entry) ? entry : [];
  return parts[0] === CONSTANT
    ? { argument: parts[2], named: parts[3] }
    : { argument: toReference(entry), named: parts[3] };
};

/** A call as `inbound_nodes` has it: an object in Keras 3, a list of tensors or one alone in Keras 2. */
export const parseNode = (node: unknown): Arguments => {
  if (isObject(node)) {
    const positional = Array.isArray(node.args) ? node.args : [];
    return { positional: positional.map(parseArgument), named: parseNamed(node.kwargs) };
  }
  const list: readonly unknown[] = Array.isArray(node) ? node : [];
  const isOne = typeof list[0] === 'string';
  const entries = (isOne ? [list] : list).map(parseEntry);
  const parsed = entries.map(({ argument }) => argument);
  return { positional: entries.length === 1 ? parsed : [parsed], named: parseNamed(entries[0]?.named) };
};

/** Lists of references anywhere in `value`, in order, such as `output_layers`. */
export const referencesIn = (value: unknown): readonly Reference[] => {
  if (value instanceof Reference) return [value];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return isObject(value) ? Object.values(value).flatMap(referencesIn) : [];
};

/** The references of the inputs or outputs of a model. A dictionary is in the order of its names. */
export const parseEnds = (value: unknown): readonly Reference[] => referencesIn(parseArgument(value));

/** `value` with tensors in the place of references. */
export const resolve = (value: unknown, find: (reference: Reference) => KerasTensor): unknown => {
  if (value instanceof Reference) return find(value);
  if (Array.isArray(value)) return value.map((part) => resolve(part, find));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, resolve(part, find)]));
};

export const isTensor = (value: unknown): value is KerasTensor =>
  isObject(value) && typeof value.value === 'string' && Array.isArray(value.shape) && typeof value.dtype === 'string';

/** The tensors of an argument that is one, or a list of them. */
export const tensorsIn = (value: unknown): readonly KerasTensor[] => {
  if (isTensor(value)) return [value];
  return Array.isArray(value) ? value.flatMap(tensorsIn) : [];
};
