import { isObject } from '../../src/core/is-object.ts';
import type { Tensor, Tensors } from '../../src/core/tensor.ts';

/** The tolerances of the suite's own runner: relative, and absolute. */
const [RELATIVE, ABSOLUTE] = [1e-3, 1e-7];

/** A value as JSON has it: what is not finite is null there. */
const toJson = (value: number | bigint | string, { dtype }: Tensor): unknown => {
  if (dtype === 'string') return value;
  if (dtype === 'bool') return value === 1;
  return typeof value === 'bigint' || Number.isFinite(value) ? value : null;
};

const isClose = (given: unknown, expected: unknown): boolean => {
  if (typeof given === 'number' && typeof expected === 'number')
    return Math.abs(given - expected) <= ABSOLUTE + RELATIVE * Math.abs(expected);
  return typeof given === 'bigint' || typeof expected === 'bigint'
    ? BigInt(Number(given)) === BigInt(Number(expected))
    : given === expected;
};

/** The values of a tensor as JSON would have them. */
export const valuesOf = (tensor: Tensor): unknown[] =>
  Array.from<number | bigint | string, unknown>(tensor.data, (value) => toJson(value, tensor));

/** An output as an answer has it, or as the runtime gave it. */
export interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** The outputs of an answer to an infer request. */
export const readOutputs = (answer: unknown): Output[] => {
  if (!isObject(answer) || !Array.isArray(answer.outputs)) throw new Error('the answer has no outputs');
  return answer.outputs as Output[];
};

/** The first difference between outputs and `expected` in words; undefined when there is none. */
export const findDifference = (outputs: readonly Output[], expected: Tensors): string | undefined => {
  for (const [name, tensor] of Object.entries(expected)) {
    const output = outputs.find((each) => each.name === name);
    if (output === undefined) return `output ${name} is missing`;
    if (String(output.shape) !== String(tensor.shape))
      return `output ${name} has the shape [${output.shape}], expected [${tensor.shape}]`;
    const values = valuesOf(tensor);
    const wrong = values.findIndex((value, index) => !isClose(output.data[index], value));
    if (wrong >= 0) return `output ${name} has ${output.data[wrong]} at ${wrong}, expected ${values[wrong]}`;
  }
  return undefined;
};
