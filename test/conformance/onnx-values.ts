import type { DType, Tensor } from '../../src/core/tensor.ts';
import { type Field, fields, readIntegers } from '../../src/onnx/protobuf.ts';
import { GRAPH, MODEL, TENSOR_TYPE, TYPE, VALUE_INFO } from '../../src/onnx/schema.ts';

/** Types of `TensorProto` that a tensor of the project can have, by number. */
const DTYPES: Readonly<Record<number, DType>> = {
  ...{ 1: 'float32', 2: 'uint8', 3: 'int8', 4: 'uint16', 5: 'int16', 6: 'int32', 7: 'int64', 8: 'string' },
  ...{ 9: 'bool', 11: 'float64', 12: 'uint32', 13: 'uint64' },
};
const TYPE_NAMES: Readonly<Record<number, string>> = {
  10: 'float16',
  16: 'bfloat16',
  14: 'complex64',
  15: 'complex128',
};

/** Field numbers of `TensorProto` that hold values. */
const DATA = { float: 4, int32: 5, string: 6, int64: 7, raw: 9, double: 10, uint64: 11 } as const;
const DIMENSIONS = 1;
const DATA_TYPE = 2;

const numberOf = ({ value }: Field): number => Number(readIntegers(value)[0] ?? 0n);
const bytesIn = (all: readonly Field[], number: number): Buffer =>
  Buffer.concat(all.filter((field) => field.number === number).map(({ value }) => value));
const integersIn = (all: readonly Field[], number: number): bigint[] => readIntegers(bytesIn(all, number));

/** A copy of `bytes` that begins at a multiple of 8. */
const aligned = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** How the elements of each type come out of raw bytes. Fields of their own hold small integers as varints. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

const toData = (dtype: DType, all: readonly Field[]): Tensor['data'] => {
  const raw = all.some(({ number }) => number === DATA.raw) ? bytesIn(all, DATA.raw) : undefined;
  switch (dtype) {
    case 'string':
      return all.filter(({ number }) => number === DATA.string).map(({ value }) => value.toString());
    case 'float32':
      return new Float32Array(aligned(raw ?? bytesIn(all, DATA.float)));
    case 'float64':
      return new Float64Array(aligned(raw ?? bytesIn(all, DATA.double)));
    case 'int64':
      return raw ? new BigInt64Array(aligned(raw)) : BigInt64Array.from(integersIn(all, DATA.int64));
    case 'uint64':
      return raw ? new BigUint64Array(aligned(raw)) : BigUint64Array.from(integersIn(all, DATA.uint64));
    case 'float16':
      return new Uint16Array();
    default: {
      const own = dtype === 'uint32' ? DATA.uint64 : DATA.int32;
      return raw ? new ARRAYS[dtype](aligned(raw)) : ARRAYS[dtype].from(integersIn(all, own).map(Number));
    }
  }
};

/** The tensor of a file with a `TensorProto`. */
export const readTensor = (bytes: Buffer): Tensor => {
  const all = [...fields(bytes)];
  const type = all.find(({ number }) => number === DATA_TYPE);
  const dtype = DTYPES[type === undefined ? 0 : numberOf(type)];
  if (dtype === undefined) throw new Error('the file holds no tensor of a known type');
  const shape = integersIn(all, DIMENSIONS).map(Number);
  return { dtype, shape, data: toData(dtype, all) } as Tensor; // the data fit the type
};

/** An input or an output of a graph; `problem` says why JSON cannot carry its values. */
export interface ValueInfo {
  readonly name: string;
  readonly problem: string | undefined;
}

const problemOf = (type: Buffer): string | undefined => {
  const kinds: Readonly<Record<number, string>> = {
    4: 'a sequence',
    5: 'a map',
    8: 'a sparse tensor',
    9: 'an optional',
  };
  for (const { number, value } of fields(type)) {
    if (number !== TYPE.tensor) return kinds[number] ?? 'of an unknown kind';
    const element = [...fields(value)].find((field) => field.number === TENSOR_TYPE.elementType);
    const code = element === undefined ? 0 : numberOf(element);
    return code in DTYPES ? undefined : (TYPE_NAMES[code] ?? 'of less than 8 bits, or float8');
  }
  return 'of an unknown kind';
};

const readValueInfo = (message: Buffer): ValueInfo => {
  const all = [...fields(message)];
  const find = (wanted: number): Buffer => all.find(({ number }) => number === wanted)?.value ?? Buffer.alloc(0);
  return { name: find(VALUE_INFO.name).toString(), problem: problemOf(find(VALUE_INFO.type)) };
};

/** The inputs that have no default, and the outputs, of the ONNX file `bytes`. */
export const readValues = (
  bytes: Buffer,
): { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] } => {
  const graph = [...fields(bytes)]
    .filter(({ number }) => number === MODEL.graph)
    .flatMap(({ value }) => [...fields(value)]);
  const named = (wanted: number) => graph.filter(({ number }) => number === wanted).map(({ value }) => value);
  const INITIALIZER_NAME = 8;
  const weights = new Set(
    named(GRAPH.initializer).map((weight) =>
      [...fields(weight)].find(({ number }) => number === INITIALIZER_NAME)?.value.toString(),
    ),
  );
  return {
    inputs: named(GRAPH.input)
      .map(readValueInfo)
      .filter(({ name }) => !weights.has(name)),
    outputs: named(GRAPH.output).map(readValueInfo),
  };
};
