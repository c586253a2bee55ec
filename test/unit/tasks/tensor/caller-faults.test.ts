import { expect, it } from '@jest/globals';
import { ServingError } from '../../../../src/core/errors.ts';
import { toCallerFault } from '../../../../src/tasks/tensor/caller-faults.ts';

const signature = { inputs: [], outputs: [] };
const feeds = { x: { dtype: 'float32' as const, shape: [1, 2], data: Float32Array.of(1, 2) } };

const codeOf = (message: string): unknown => {
  const error = toCallerFault(new ServingError('INFERENCE_FAILED', message), signature, feeds);
  return error instanceof ServingError ? error.code : error;
};

const failed = (reason: string): string =>
  `Non-zero status code returned while running MatMul node. Name:'' Status Message: ${reason}`;
const lacking = (bytes: number): string => failed(`Failed to allocate memory for requested buffer of size ${bytes}`);

it.each([
  ['a node that refuses its input', failed('the dimensions do not match'), 'INVALID_INPUT'],
  ['a buffer that no machine has', lacking(2 ** 48), 'INVALID_INPUT'],
  ['a buffer that every machine has, when its memory is not in use', lacking(4_096), 'INFERENCE_FAILED'],
  ['a graph that gave no tensor', 'the graph gave no tensor "y" of a known data type', 'INFERENCE_FAILED'],
])('%s', (_what, message, code) => {
  expect(codeOf(message)).toBe(code);
});

it.each(['MODEL_INVALID', 'MODEL_UNAVAILABLE', 'INSUFFICIENT_STORAGE', 'INTERNAL'] as const)(
  'leaves an error %s as it is, whatever its message',
  (code) => {
    const error = new ServingError(code, failed('the dimensions do not match'));
    expect(toCallerFault(error, signature, feeds)).toBe(error);
  },
);
