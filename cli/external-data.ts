import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { ServingError } from '../src/core/errors.ts';
import { assertFetched } from './git-lfs.ts';
import { fields, readEntry } from './protobuf.ts';

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
const EXTERNAL = 1;

function* tensorLocations(tensor: Buffer): Generator<string> {
  const known = [...fields(tensor)];
  if (!known.some(({ number, value }) => number === TENSOR.dataLocation && value[0] === EXTERNAL)) return;
  for (const { number, value } of known) {
    if (number !== TENSOR.externalData) continue;
    const [key, location] = readEntry(value);
    if (key === 'location') yield location;
  }
}

function* locations(kind: Child, message: Buffer): Generator<string> {
  if (kind === 'Tensor') {
    yield* tensorLocations(message);
    return;
  }
  const children: Readonly<Record<number, Child>> = CHILDREN[kind];
  for (const { number, value, isVarint } of fields(message)) {
    const child = children[number];
    if (child !== undefined && !isVarint) yield* locations(child, value);
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

/** The bytes of `graph`, a file of `directory`. @throws `MODEL_INVALID` when there are none, or they were not fetched */
export const readGraph = async (directory: string, graph: string): Promise<Buffer> => {
  await assertFetched(directory, graph);
  const bytes = await readFile(join(directory, graph));
  if (bytes.byteLength === 0) throw new ServingError('MODEL_INVALID', 'the file is empty');
  return bytes;
};

/** Paths of the files that hold the weights of `graph`, whose `bytes` name them. @throws `MODEL_INVALID` when one is missing, elsewhere, or was not fetched */
export const findExternalData = async (directory: string, graph: string, bytes: Buffer): Promise<string[]> => {
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
