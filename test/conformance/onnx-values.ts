import { fields, readIntegers, textOf } from '../../src/onnx/protobuf.ts';
import { GRAPH, MODEL, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from '../../src/onnx/schema.ts';
import { dtypeOf } from '../../src/onnx/tensor-proto.ts';

/** Names of types that JSON does not carry, for the table. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  ...{ 10: 'float16', 16: 'bfloat16', 14: 'complex64', 15: 'complex128' },
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
    const code = Number(readIntegers(element?.value ?? Buffer.alloc(0))[0] ?? 0n);
    const dtype = dtypeOf(code);
    return dtype !== undefined && dtype !== 'float16'
      ? undefined
      : (TYPE_NAMES[code] ?? 'of less than 8 bits, or float8');
  }
  return 'of an unknown kind';
};

const readValueInfo = (message: Buffer): ValueInfo => {
  const type = [...fields(message)].find(({ number }) => number === VALUE_INFO.type)?.value ?? Buffer.alloc(0);
  return { name: textOf(message, VALUE_INFO.name) ?? '', problem: problemOf(type) };
};

/** The inputs that have no default, and the outputs, of the ONNX file `bytes`. */
export const readValues = (
  bytes: Buffer,
): { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] } => {
  const graph = [...fields(bytes)]
    .filter(({ number }) => number === MODEL.graph)
    .flatMap(({ value }) => [...fields(value)]);
  const named = (wanted: number) => graph.filter(({ number }) => number === wanted).map(({ value }) => value);
  const weights = new Set(named(GRAPH.initializer).map((weight) => textOf(weight, TENSOR.name)));
  return {
    inputs: named(GRAPH.input)
      .map(readValueInfo)
      .filter(({ name }) => !weights.has(name)),
    outputs: named(GRAPH.output).map(readValueInfo),
  };
};
