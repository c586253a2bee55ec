import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { allocate, bytesOf, type DType, elementCount, tensor } from '../core/tensor.ts';
import { toField, toIntegerField } from './chunks.ts';
import { ENTRY, EXTERNAL, TENSOR } from './schema.ts';
import { DATA_TYPES, type Weights, weightsOf } from './tensor-proto.ts';

/** Weights of fewer bytes stay in the graph's own file. */
const LEAST_BYTES = 1024;
/** A map of a file into memory begins at a page. https://onnx.ai/onnx/repo-docs/ExternalData.html */
const ALIGNMENT = 4096;

/** Reads `length` bytes of the file at `path`. @throws `RangeError` when the file ends before */
const readRange = (path: string, offset: number, target: Uint8Array): void => {
  const file = openSync(path, 'r');
  try {
    for (let done = 0; done < target.byteLength; ) {
      const count = readSync(file, target, done, target.byteLength - done, offset + done);
      if (count === 0) throw new RangeError(`${path} ends before byte ${offset + target.byteLength}`);
      done += count;
    }
  } finally {
    closeSync(file);
  }
};

/** Weights whose numbers `read` takes from a file beside the graph, each time anew: they are not kept in memory. */
export const readingFrom =
  (directory: string) =>
  (weights: Weights): Weights => {
    const { external, dtype, shape, name } = weights;
    if (external === undefined || dtype === undefined || dtype === 'string') return weights;
    const read = () => {
      const data = allocate<Exclude<DType, 'string'>>(dtype, elementCount(shape));
      const length = Number(external.get('length') ?? data.byteLength);
      if (length !== data.byteLength)
        throw new RangeError(`the weights ${name} have ${length} bytes in their file, expected ${data.byteLength}`);
      readRange(join(directory, external.get('location') ?? ''), Number(external.get('offset') ?? 0), bytesOf(data));
      return tensor<DType>(dtype, shape, data);
    };
    return { ...weights, read };
  };

const entry = (key: string, value: string | number): Uint8Array[] =>
  toField(TENSOR.externalData, [...toField(ENTRY.key, key), ...toField(ENTRY.value, String(value))]);

/** Writes weights one after the other into the file at `path`. Returns weights that refer to it. */
export const createWeightsWriter = (path: string) => {
  const file = openSync(path, 'w');
  let end = 0;
  const write = (weights: Weights): Weights => {
    const { dtype, shape, name } = weights;
    if (dtype === undefined || dtype === 'string') return weights;
    const content = weights.read();
    const { data } = content;
    if (!('buffer' in data) || data.byteLength < LEAST_BYTES) return weightsOf(name, content);
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    for (let done = 0; done < data.byteLength; )
      done += writeSync(file, bytesOf(data), done, data.byteLength - done, offset + done);
    end = offset + data.byteLength;
    const external = { location: basename(path), offset, length: data.byteLength };
    const encoded = [
      ...shape.flatMap((size) => toIntegerField(TENSOR.dimensions, size)),
      ...toIntegerField(TENSOR.dataType, DATA_TYPES[dtype]),
      ...toField(TENSOR.name, name),
      ...Object.entries(external).flatMap(([key, value]) => entry(key, value)),
      ...toIntegerField(TENSOR.dataLocation, EXTERNAL),
    ];
    return {
      ...weights,
      encoded,
      external: new Map(Object.entries(external).map(([key, value]) => [key, String(value)])),
    };
  };
  return { write, close: (): void => closeSync(file) };
};
