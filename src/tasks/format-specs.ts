import { formatSpec, type TensorSpec } from '../core/tensor.ts';

/** `pixel_values float32[N,3,224,224], pixel_mask int64[N,224,224]`, for messages. */
export const formatSpecs = (specs: readonly TensorSpec[]): string =>
  specs.map((spec) => `${spec.name} ${formatSpec(spec)}`).join(', ');
