/*
 * Elements of typed arrays at an index that the caller knows to be valid, for loops over many elements. Each type has a function of
 * its own: V8 records the types of arrays per function, and a load that has met more than four types is several times as slow.
 */

export const float32At = (values: Float32Array, index: number): number => values[index] as number;

export const float64At = (values: Float64Array, index: number): number => values[index] as number;

export const int32At = (values: Int32Array, index: number): number => values[index] as number;

export const uint8At = (values: Uint8Array | Uint8ClampedArray, index: number): number => values[index] as number;
