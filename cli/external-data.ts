import { open, readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { ServingError } from '../src/core/errors.ts';

/**
 * Which fields of a message lead to tensors, by field number.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
const CHILDREN = {
  Model: { 7: 'Graph', 25: 'Function' },
  Graph: { 1: 'Node', 5: 'Tensor', 15: 'SparseTensor' },
  Function: { 7: 'Node' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph', 22: 'SparseTensor', 23: 'SparseTensor' },
  SparseTensor: { 1: 'Tensor', 2: 'Tensor' },
} as const satisfies Record<string, Record<number, string>>;

type Parent = keyof typeof CHILDREN;
type Child = Parent | 'Tensor';

const TENSOR = { externalData: 13, dataLocation: 14 };
const ENTRY = { key: 1, value: 2 };
const EXTERNAL = 1;

const WIRE_VARINT = 0;
const WIRE_LENGTH_DELIMITED = 2;
/** Bytes of a value by wire type, for those that carry no length. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The fields of a message: a number for a varint, a view for what has a length. https://protobuf.dev/programming-guides/encoding/ */
function* fields(message: Buffer): Generator<readonly [field: number, value: number | Buffer]> {
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(offset++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (offset < message.byteLength) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === WIRE_VARINT) {
      yield [field, varint()];
      continue;
    }
    const length = wire === WIRE_LENGTH_DELIMITED ? varint() : FIXED_BYTES[wire];
    if (length === undefined || offset + length > message.byteLength)
      throw new RangeError(`field ${field} at byte ${offset} is no protobuf`);
    yield [field, message.subarray(offset, offset + length)];
    offset += length;
  }
}

const readEntry = (entry: Buffer): Record<number, string> =>
  Object.fromEntries([...fields(entry)].map(([field, value]) => [field, String(value)]));

function* tensorLocations(tensor: Buffer): Generator<string> {
  const known = [...fields(tensor)];
  if (!known.some(([field, value]) => field === TENSOR.dataLocation && value === EXTERNAL)) return;
  for (const [field, value] of known) {
    if (field !== TENSOR.externalData) continue;
    const entry = readEntry(value as Buffer);
    if (entry[ENTRY.key] === 'location') yield entry[ENTRY.value] ?? '';
  }
}

function* locations(kind: Child, message: Buffer): Generator<string> {
  if (kind === 'Tensor') {
    yield* tensorLocations(message);
    return;
  }
  const children: Readonly<Record<number, Child>> = CHILDREN[kind];
  for (const [field, value] of fields(message)) {
    const child = children[field];
    if (child !== undefined && typeof value === 'object') yield* locations(child, value);
  }
}

/**
 * The files that an ONNX graph takes weights from, as it names them: relative to its own folder, each once.
 * @throws `MODEL_INVALID` when `graph` is no ONNX file
 */
export const externalDataOf = (graph: Buffer): string[] => {
  try {
    return [...new Set(locations('Model', graph))];
  } catch (error) {
    throw new ServingError('MODEL_INVALID', 'it is not an ONNX file, or was cut short', { cause: error });
  }
};

/** What a clone without Git LFS has in the place of a large file. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

const assertFetched = async (directory: string, path: string): Promise<void> => {
  await using file = await open(join(directory, path));
  const { buffer } = await file.read({ buffer: Buffer.alloc(LFS_POINTER.length) });
  if (buffer.toString('latin1') === LFS_POINTER)
    throw new ServingError(
      'MODEL_INVALID',
      `${path} is a Git LFS pointer instead of the file itself; fetch that with: git lfs pull`,
    );
};

/** Paths of the files that hold the weights of `graph`, a file of `directory`. @throws `MODEL_INVALID` when one is missing, elsewhere, or was not fetched */
export const findExternalData = async (directory: string, graph: string): Promise<string[]> => {
  await assertFetched(directory, graph);
  const bytes = await readFile(join(directory, graph));
  if (bytes.byteLength === 0) throw new ServingError('MODEL_INVALID', 'the file is empty');
  const paths: string[] = [];
  for (const location of externalDataOf(bytes)) {
    const inside = posix.normalize(location);
    if (posix.isAbsolute(inside) || inside.startsWith('..'))
      throw new ServingError(
        'MODEL_INVALID',
        `its weights are in ${location}, outside its folder; move them beside it and export again`,
      );
    const path = posix.join(posix.dirname(graph), inside);
    if (!(await stat(join(directory, path)).catch(() => undefined))?.isFile())
      throw new ServingError(
        'MODEL_INVALID',
        `its weights are in ${path}, which is missing; it has to lie beside the graph`,
      );
    await assertFetched(directory, path);
    paths.push(path);
  }
  return paths;
};
