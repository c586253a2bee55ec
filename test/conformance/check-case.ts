import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushModel } from '../../src/authoring/push-model.ts';
import { ServingError } from '../../src/core/errors.ts';
import type { Tensor, Tensors } from '../../src/core/tensor.ts';
import { loadRuntime } from '../../src/engine/session.ts';
import { DATATYPES } from '../../src/protocol/open-inference/datatypes.ts';
import { toJsonData } from '../../src/protocol/open-inference/tensor-data.ts';
import { createTestServing } from '../support/serving.ts';
import type { Case } from './cases.ts';
import { findDifference, type Output, readOutputs, valuesOf } from './compare.ts';

/** What became of a model: `served` and `warm` answered the expected outputs, `warm` after a push with its own inputs as warm-up. */
export type Outcome =
  | { readonly kind: 'served' | 'warm' }
  | { readonly kind: 'uncarried' | 'runtime' | 'refused' | 'unequal'; readonly reason: string };

const toInputs = (tensors: Tensors): string => {
  const inputs = Object.entries(tensors).map(
    ([name, tensor]) =>
      `{"name":${JSON.stringify(name)},"datatype":"${DATATYPES[tensor.dtype]}","shape":[${tensor.shape}],"data":${toJsonData(tensor)}}`,
  );
  return `{"inputs":[${inputs.join(',')}]}`;
};

/** Runs the model by the runtime alone. @throws when it cannot */
export const runRaw = async ({ path, inputs }: Case): Promise<Output[]> => {
  const ort = loadRuntime();
  const session = await ort.InferenceSession.create(path, { executionProviders: ['cpu'], logSeverityLevel: 4 });
  try {
    const feeds = Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype, data as Float32Array, shape),
    ]);
    const outputs = await session.run(Object.fromEntries(feeds));
    return Object.entries(outputs).map(([name, { type, dims, data }]) => ({
      ...{ name, shape: dims },
      data: valuesOf({ dtype: type, shape: dims, data } as Tensor),
    }));
  } finally {
    await session.release();
  }
};

/** Limits of every request, which some cases are beyond. */
const LIMITS: readonly (readonly [RegExp, string])[] = [
  [/the body has \d+ bytes or more/, 'a body beyond the limit of Lambda'],
  [/has no (rows|elements)/, 'an input without elements, which can end the process of the runtime'],
];

const toRefusal = (reason: string): Outcome => {
  const limit = LIMITS.find(([pattern]) => pattern.test(reason))?.[1];
  return limit === undefined ? { kind: 'refused', reason } : { kind: 'uncarried', reason: limit };
};

/** Pushes the model, with its own inputs as warm-up when it is refused without, and answers its inputs by the application. */
export const serve = async (one: Case): Promise<Outcome> => {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const serving = await createTestServing();
  try {
    const body = toInputs(one.inputs);
    const warmup = join(folder, 'inputs.json');
    await writeFile(warmup, body);
    const push = (options: { readonly warmup?: readonly string[] }) =>
      pushModel(serving.repository, one.path, { name: 'model', task: 'tensor', ...options });
    const refusal = await push({}).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refusal !== undefined) await push({ warmup: [warmup] });
    const response = await serving.fetch('/v2/models/model/infer', { method: 'POST', body });
    const answer: unknown = await response.json();
    if (response.status !== 200) return toRefusal(`request: ${JSON.stringify(answer)}`);
    const reason = findDifference(readOutputs(answer), one.outputs);
    if (reason !== undefined) return { kind: 'unequal', reason };
    return { kind: refusal === undefined ? 'served' : 'warm' };
  } catch (error) {
    return toRefusal(`push: ${ServingError.from(error).message.replace(/^.*cannot be served: /, '')}`);
  } finally {
    await serving.remove();
    await rm(folder, { recursive: true });
  }
};
