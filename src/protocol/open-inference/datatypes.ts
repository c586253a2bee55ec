import { DTYPES, type DType } from '../../core/tensor.ts';

/** The protocol's name of each data type. https://github.com/kserve/open-inference-protocol */
export const DATATYPES: Record<DType, string> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};

const DTYPE_OF = new Map(DTYPES.map((dtype) => [DATATYPES[dtype], dtype]));

/** Undefined for a name that the protocol, or onnxruntime's JavaScript binding (BF16), does not have. */
export const toDType = (datatype: string): DType | undefined => DTYPE_OF.get(datatype);
