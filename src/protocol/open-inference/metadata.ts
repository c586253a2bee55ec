import packageJson from '../../../package.json' with { type: 'json' };
import type { Signature, TensorSpec } from '../../core/tensor.ts';
import { DATATYPES } from './datatypes.ts';

/** Answer to `GET /v2`. */
export const serverMetadata = () => ({
  name: 'onnx-serverless',
  version: packageJson.version,
  extensions: [
    'binary_tensor_data',
    'classification',
    'model_configuration',
    'model_repository',
    'model_repository(unload_dependents)',
    'statistics',
  ],
});

export const tensorMetadata = ({ name, dtype, shape }: TensorSpec) => ({
  name,
  datatype: DATATYPES[dtype],
  shape: shape.map((size) => (typeof size === 'number' ? size : -1)),
});

/** Answer to `GET /v2/models/{name}`; a variable dimension is -1. */
export const modelMetadata = (
  name: string,
  versions: readonly number[],
  task: string,
  { inputs, outputs }: Signature,
) => ({
  name,
  versions: versions.map(String),
  platform: 'onnxruntime_onnx',
  inputs: inputs.map(tensorMetadata),
  outputs: outputs.map(tensorMetadata),
  properties: { task },
});
