import type { DType, Signature, TensorSpec } from '../../core/tensor.ts';
import { DATATYPES } from './datatypes.ts';
import { tensorMetadata } from './metadata.ts';

/** The configuration calls strings by another name than the rest of the protocol. */
const typeOf = (dtype: DType): string => `TYPE_${dtype === 'string' ? 'STRING' : DATATYPES[dtype]}`;

const tensorConfig = (spec: TensorSpec) => ({
  name: spec.name,
  data_type: typeOf(spec.dtype),
  dims: tensorMetadata(spec).shape,
});

/**
 * Answer to `GET /v2/models/{name}/config`. The sizes are all that the graph has: `max_batch_size` 0 says that none is left out for a batch.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_configuration.md
 */
export const modelConfig = (name: string, version: number, task: string, { inputs, outputs }: Signature) => ({
  name,
  platform: 'onnxruntime_onnx',
  backend: 'onnxruntime',
  version_policy: { specific: { versions: [version] } },
  max_batch_size: 0,
  input: inputs.map(tensorConfig),
  output: outputs.map(tensorConfig),
  parameters: { task: { string_value: task } },
});
