import type { Attribute, Dataset, File, Group, Metadata } from 'h5wasm';
import { ServingError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { messageOf } from '../../core/message-of.ts';
import { once } from '../../core/once.ts';
import { show } from '../../core/show.ts';
import { elementCount } from '../../core/tensor.ts';
import { refuse } from '../refuse.ts';
import { decodeFloats, HDF5_TYPES, isWeightType } from './floats.ts';
import type { WeightArray } from './keras-tensor.ts';

/** An HDF5 file in memory. Paths are those of groups and datasets. */
export interface Hdf5File {
  /** Names of the members of a group; empty when there is no group at `path`. */
  members(path: string): readonly string[];
  /** The text or texts of an attribute; undefined when there is none. @throws `MODEL_INVALID` for an attribute that is no text */
  texts(path: string, name: string): readonly string[] | undefined;
  /** A dataset of numbers. @throws `MODEL_INVALID` when it is none, or lies in another file */
  weights(path: string): WeightArray;
}

/** `\x89HDF\r\n\x1a\n`. */
export const HDF5_MAGIC = Buffer.from('894844460d0a1a0a', 'hex');

/** Arrays may be that many times larger than their file, since they may be compressed. */
const LARGEST_RATIO = 20;
/** The library takes minutes for paths of thousands of groups. */
const LONGEST_PATH = 1000;
const SMALL_BYTES = 1024 * 1024;
/** Memory that the library may take, beside that of a few copies of the largest array. */
const LIBRARY_BYTES = 96 * 1024 * 1024;
const COPIES = 4;
const WASM_PAGE_BYTES = 65_536;

/**
 * The library is 4 MB, which only a Keras model needs. Its build for browsers has a file system in memory; that for Node would open the files
 * of this computer that a model names. Failures are thrown: by default they are printed, and the memory that was to be filled is returned.
 */
const loadLibrary = once(async () => {
  const library = await import('h5wasm');
  const runtime = await library.ready;
  runtime.activate_throwing_error_handler();
  return { ...library, runtime };
});

type Library = Awaited<ReturnType<typeof loadLibrary>>;

let opened = 0;

/**
 * Opens an HDF5 file, and closes it when `read` has read it.
 * @throws `MODEL_INVALID` when `bytes` are no HDF5 file, or damaged
 */
export const readHdf5 = async <T>(bytes: Uint8Array, read: (file: Hdf5File) => T): Promise<T> => {
  const library = await loadLibrary();
  const { FS } = library.runtime;
  const name = `/model-${opened++}.h5`; // two files of one name would be taken for one
  try {
    return withMemoryLimit(LIBRARY_BYTES + COPIES * bytes.byteLength, () => {
      const file = reading(() => {
        FS.writeFile(name, bytes);
        return new library.File(name, 'r');
      });
      try {
        return read(toReader(file, library, bytes.byteLength));
      } finally {
        file.close();
      }
    });
  } finally {
    if (FS.analyzePath(name, true).exists) FS.unlink(name);
  }
};

/** `WebAssembly.Memory`, which the types of Node lack. */
interface GrowingMemory {
  readonly buffer: ArrayBuffer;
  grow(this: GrowingMemory, pages: number): number;
}

/**
 * Keeps the library from growing its memory beyond `limitBytes`: it would take 2 GB for references to one huge text. It treats a refusal as a
 * failed allocation.
 */
const withMemoryLimit = <T>(limitBytes: number, read: () => T): T => {
  const { prototype }: { readonly prototype: GrowingMemory } = Reflect.get(globalThis, 'WebAssembly').Memory;
  const { grow } = prototype;
  prototype.grow = function (this: GrowingMemory, pages: number): number {
    if (this.buffer.byteLength + pages * WASM_PAGE_BYTES <= limitBytes) return grow.call(this, pages);
    throw new RangeError(`the HDF5 library may take ${formatBytes(limitBytes)}`);
  };
  try {
    return read();
  } finally {
    prototype.grow = grow;
  }
};

/** Runs calls of the library. @throws `MODEL_INVALID` when they fail */
const reading = <T>(call: () => T): T => {
  try {
    return call();
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuse(`the HDF5 file cannot be read: ${reasonOf(error)}; save the model again, or copy it again`, error);
  }
};

/** The first entry of the stack of HDF5's errors that says what failed. */
const reasonOf = (error: unknown): string => {
  const message = messageOf(error);
  return (/\(\): (.+)/.exec(message)?.[1] ?? message.split('\n', 1)[0] ?? '').slice(0, 200);
};

const toReader = (file: File, library: Library, fileBytes: number): Hdf5File => {
  let budget = LARGEST_RATIO * fileBytes + SMALL_BYTES;
  const isGroup = (entity: unknown): entity is Group => entity instanceof library.Group;
  const find = (path: string): unknown => {
    if (path.length > LONGEST_PATH)
      refuse(`the path ${show(path)} has ${path.length} characters; save the model again`);
    return path === '' ? file : file.get(path);
  };
  /** Allows the bytes of a value before memory is given to it. */
  const spend = (what: string, { size, shape }: Metadata): void => {
    const bytes = elementCount(shape ?? [0]) * size;
    budget -= bytes;
    if (budget >= 0) return;
    const problem = `${what} takes ${formatBytes(bytes)} from a file of ${formatBytes(fileBytes)}`;
    refuse(`${problem}; save the model again without compression`);
  };
  return {
    members: (path) =>
      reading(() => {
        const group = find(path);
        return isGroup(group) ? group.keys() : [];
      }),
    texts: (path, name) =>
      reading(() => {
        const group = find(path);
        const attribute = isGroup(group) ? group.attrs[name] : undefined;
        if (attribute === undefined) return undefined;
        spend(`attribute ${show(name)}`, attribute.metadata);
        return toTexts(name, attribute);
      }),
    weights: (path) =>
      reading(() => {
        const dataset = find(path);
        if (!(dataset instanceof library.Dataset))
          return refuse(`the file has no weights at ${show(path)} itself; save the whole model`);
        spend(`array ${show(path)}`, dataset.metadata);
        return readWeights(path, dataset, library);
      }),
  };
};

/**
 * Keras cuts lists of names at 64 kB. A wrong file could have the largest text in each place: then the library ends at its 2 GB of memory, and
 * the file is refused.
 */
const MOST_TEXTS = 8000;

const toTexts = (name: string, attribute: Attribute): readonly string[] => {
  const { type, shape, total_size: count } = attribute.metadata;
  if (count === 0) return [];
  if (type !== HDF5_TYPES.string || count > MOST_TEXTS)
    return refuse(`attribute ${show(name)} is no text that Keras writes; save the model again`);
  const { value } = attribute;
  return shape?.length === 0 ? [String(value)] : Array.isArray(value) ? value.map(String) : [];
};

const readWeights = (path: string, dataset: Dataset, { runtime }: Library): WeightArray => {
  const { shape, type, size, virtual_sources: sources } = dataset.metadata;
  if (shape === null || !isWeightType(type, size))
    return refuse(`array ${show(path)} holds no numbers that Keras writes; save the model again`);
  if (sources !== undefined) return refuse(`array ${show(path)} lies in other files; save the whole model in one file`);
  const bytes = elementCount(shape) * size;
  const start = runtime._malloc(Math.max(1, bytes));
  if (start === 0) return refuse(`array ${show(path)} of ${formatBytes(bytes)} does not fit into memory`);
  try {
    runtime.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(start));
    return { shape, data: decodeFloats(type, size, runtime.HEAPU8.slice(start, start + bytes)) };
  } finally {
    runtime._free(start);
  }
};
