/**
 * Field numbers of the messages of an ONNX file.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

export const MODEL = {
  irVersion: 1,
  producer: 2,
  producerVersion: 3,
  graph: 7,
  opsetImport: 8,
  metadata: 14,
  function: 25,
} as const;
export const OPSET = { domain: 1, version: 2 } as const;
export const GRAPH = {
  node: 1,
  name: 2,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
  sparseInitializer: 15,
} as const;
export const FUNCTION = { name: 1, input: 4, output: 5, node: 7, opsetImport: 9, domain: 10 } as const;
export const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 } as const;
export const ATTRIBUTE = {
  name: 1,
  float: 2,
  integer: 3,
  string: 4,
  tensor: 5,
  graph: 6,
  floats: 7,
  integers: 8,
  strings: 9,
  tensors: 10,
  graphs: 11,
  type: 20,
  sparseTensor: 22,
  sparseTensors: 23,
} as const;
export const TENSOR = {
  dimensions: 1,
  dataType: 2,
  floats: 4,
  integers32: 5,
  strings: 6,
  integers64: 7,
  name: 8,
  rawData: 9,
  doubles: 10,
  unsignedIntegers64: 11,
  externalData: 13,
  dataLocation: 14,
} as const;
export const SPARSE_TENSOR = { values: 1, indices: 2 } as const;
export const VALUE_INFO = { name: 1, type: 2 } as const;
/** `sequenceElement` is within the message `sequence`. */
export const TYPE = { tensor: 1, sequence: 4, sequenceElement: 1, map: 5, sparseTensor: 8, optional: 9 } as const;
export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
export const SHAPE = { dimension: 1 } as const;
export const DIMENSION = { value: 1, parameter: 2 } as const;
/** `StringStringEntryProto`, an entry of a map of texts. */
export const ENTRY = { key: 1, value: 2 } as const;

/** `EXTERNAL` of `TensorProto.DataLocation`. */
export const EXTERNAL = 1;
