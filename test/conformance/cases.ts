import { glob, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Tensor, Tensors } from '../../src/core/tensor.ts';
import { decodeWeights } from '../../src/onnx/tensor-proto.ts';
import { readValues } from './onnx-values.ts';

/** A model of the conformance suite with the values of its first data set. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly inputs: Tensors;
  readonly outputs: Tensors;
}

/** Paths of all models of the suite below `directory` that come with inputs and outputs, in order. */
export const findModels = async (directory: string): Promise<string[]> => {
  const paths: string[] = [];
  for await (const path of glob('{node,simple,pytorch-converted,pytorch-operator}/*/model.onnx', { cwd: directory }))
    paths.push(join(directory, path));
  return paths.sort();
};

const readSet = async (path: string, kind: 'input' | 'output', names: readonly string[]): Promise<Tensors> => {
  const folder = join(dirname(path), 'test_data_set_0');
  const tensors: Record<string, Tensor> = {};
  for (const [index, name] of names.entries()) {
    const bytes = await readFile(join(folder, `${kind}_${index}.pb`));
    tensors[name] = decodeWeights(bytes).read();
  }
  return tensors;
};

const isInfinite = ({ dtype, data }: Tensor): boolean =>
  (dtype === 'float32' || dtype === 'float64') &&
  data.some((value) => Math.abs(Number(value)) === Number.POSITIVE_INFINITY);

/** The model at `path`, below `directory`; or the reason for which JSON cannot carry its values. */
export const readCase = async (
  path: string,
  directory: string,
): Promise<Case | { readonly name: string; readonly uncarried: string }> => {
  const name = relative(directory, dirname(path)).replaceAll('\\', '/');
  const { inputs, outputs } = readValues(await readFile(path));
  const problem = [...inputs, ...outputs].find((value) => value.problem !== undefined)?.problem;
  if (problem !== undefined) return { name, uncarried: problem };
  const namesOf = (values: typeof inputs) => values.map((value) => value.name);
  const read = {
    inputs: await readSet(path, 'input', namesOf(inputs)),
    outputs: await readSet(path, 'output', namesOf(outputs)),
  };
  if (Object.values(read.inputs).some(isInfinite)) return { name, uncarried: 'infinite in an input' };
  return { name, path, ...read };
};
