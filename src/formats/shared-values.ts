import { formatBytes } from '../core/format-bytes.ts';
import { isNumpyArray, PyObject, PyTuple, type PyValue, sizeOfArray } from './pickle/values.ts';
import { refuse } from './refuse.ts';

/** Bytes that every model may have when its parts are written out, and the multiple of its own size beyond that. */
const BASE = 128e6;
const FACTOR = 3;

/** Bytes of a number, and of a text beside its characters, while a graph is built. */
const [NUMBER, TEXT] = [8, 64];

/** A text of more characters may be shared like a list: a reference takes two bytes of a pickle. */
const SHORT_TEXT = 64;

/** Most lists, tuples and dicts directly within each other: parameters have three or four. */
const DEEPEST = 100;

/** A value that several others may refer to. */
type Part = Exclude<PyValue, null | boolean | number | bigint>;

const isPart = (value: PyValue): value is Part =>
  typeof value === 'string' ? value.length > SHORT_TEXT : typeof value === 'object' && value !== null;

const isPlain = (value: Part): boolean => Array.isArray(value) || value instanceof PyTuple || value instanceof Map;

const sizeOfText = (text: string): number => TEXT + 2 * text.length;

const partsOf = (value: Part): Iterable<PyValue> => {
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof PyTuple) return value.items;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof PyObject) return [value.state, ...value.args, ...(value.elements ?? [])];
  return isNumpyArray(value) && !(value.content instanceof Uint8Array) ? value.content : [];
};

/** The size of what belongs to a value alone. */
const ownSize = (value: Part): number => {
  if (typeof value === 'string') return sizeOfText(value);
  if (value instanceof Uint8Array) return value.byteLength;
  if (isNumpyArray(value) && value.content instanceof Uint8Array)
    return Math.max(NUMBER, value.type.bytes) * sizeOfArray(value);
  let size = 0;
  for (const part of partsOf(value)) if (!isPart(part)) size += typeof part === 'string' ? sizeOfText(part) : NUMBER;
  return size;
};

/**
 * Refuses a value that is small in its file, since its parts refer to the same large ones, and large when each part is written out. A graph has
 * the parts one by one, and so do the converters. It also refuses lists that lie deep within each other, since whatever prints or counts them
 * recurses. It does not recurse itself; a value within itself counts once.
 *
 * @throws `MODEL_INVALID` when the parts take more than 128 MB and three times the size of the value, or lie more than 100 lists deep
 */
export const refuseTangled = (root: PyValue): void => {
  if (!isPart(root)) return;
  /** The sizes of values with all of their parts, each as often as it is referred to. */
  const sizes = new Map<Part, number>();
  /** Lists, tuples and dicts within each of them. */
  const depths = new Map<Part, number>();
  const opened = new Set<Part>();
  const waiting: Part[] = [root];
  let once = 0;
  for (let value = waiting.at(-1); value !== undefined; value = waiting.at(-1)) {
    if (!opened.has(value)) {
      opened.add(value);
      for (const part of partsOf(value)) if (isPart(part) && !opened.has(part)) waiting.push(part);
      continue;
    }
    waiting.pop();
    if (sizes.has(value)) continue;
    const own = ownSize(value);
    let [size, depth] = [own, 0];
    for (const part of partsOf(value))
      if (isPart(part)) {
        size += sizes.get(part) ?? 0;
        depth = Math.max(depth, depths.get(part) ?? 0);
      }
    if (isPlain(value)) depths.set(value, depth + 1);
    if (depth >= DEEPEST) refuse(`it has lists or dicts within each other, more than ${DEEPEST} deep`);
    once += own;
    sizes.set(value, size);
  }
  const [size, most] = [sizes.get(root) ?? 0, BASE + FACTOR * once];
  if (size > most)
    refuse(
      `its parts share values, and take ${formatBytes(size)} when each has its own, of at most ${formatBytes(most)}: save a model whose parts differ`,
    );
};
