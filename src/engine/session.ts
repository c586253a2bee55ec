import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';
import { assertInputs } from '../core/assert-inputs.ts';
import { LAMBDA_MB_PER_VCPU } from '../core/aws-limits.ts';
import { ServingError } from '../core/errors.ts';
import {
  elementCount,
  isDType,
  type Signature,
  type Tensor,
  type TensorSpec,
  type Tensors,
  tensor,
} from '../core/tensor.ts';

/** A graph in memory, ready to run. */
export interface Session {
  readonly signature: Signature;
  /**
   * Runs the graph. The native call blocks the thread and cannot be interrupted: check the deadline before.
   * @param outputNames outputs to compute; all when left out
   * @throws `INVALID_INPUT` when `feeds` do not fit the signature; `INFERENCE_FAILED`
   */
  run(feeds: Tensors, outputNames?: readonly string[]): Promise<Tensors>;
  release(): Promise<void>;
}

let runtime: typeof Ort | undefined;

/**
 * Loads the native runtime on first use. On Lambda it lies in a layer that NODE_PATH names: `require` reads NODE_PATH, `import` does not.
 *
 * onnxruntime-common adopts Float16Array for float16 in engines that have it, but the native side accepts only Uint16Array. It looks for
 * Float16Array when it makes its first tensor, which is made here while the constructor is hidden.
 */
export const loadRuntime = (): typeof Ort => {
  if (runtime !== undefined) return runtime;
  process.env.ORT_DISABLE_TELEMETRY = '1'; // onnxruntime reports usage otherwise
  const loaded: typeof Ort = createRequire(import.meta.url)('onnxruntime-node');
  const hidden = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  if (hidden) Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    new loaded.Tensor('float32', new Float32Array(1), [1]);
  } finally {
    if (hidden) Object.defineProperty(globalThis, 'Float16Array', hidden);
  }
  runtime = loaded;
  return loaded;
};

/** Most elements of a tensor, by its dimensions of known sizes. No request carries as many, and no memory of a function holds them. */
const MOST_KNOWN_ELEMENTS = 2 ** 32;

const assertHoldable = (kind: string, { name, shape }: TensorSpec): void => {
  const known = shape.filter((size) => typeof size === 'number' && size > 0).map(Number);
  if (elementCount(known) > MOST_KNOWN_ELEMENTS)
    throw new ServingError(
      'MODEL_INVALID',
      `${kind} "${name}" has the shape [${shape}], more elements than any function holds; export it with variable dimensions`,
    );
};

/** @throws `MODEL_INVALID` for sequences, maps, and for data types and sizes that no tensor here can have */
const toSpecs = (kind: string, metadata: readonly Ort.InferenceSession.ValueMetadata[]): TensorSpec[] =>
  metadata.map((value) => {
    const { name } = value;
    if (!value.isTensor)
      throw new ServingError('MODEL_INVALID', `${kind} "${name}" is a sequence or map, and only tensors can be served`);
    const { type, shape } = value;
    if (!isDType(type)) throw new ServingError('MODEL_INVALID', `${kind} "${name}" is ${type}, which cannot be served`);
    const spec = { name, dtype: type, shape };
    assertHoldable(kind, spec);
    return spec;
  });

const sessionOptions = (memoryMb: number): Ort.InferenceSession.SessionOptions => {
  const intraOpNumThreads = Math.max(1, Math.floor(memoryMb / LAMBDA_MB_PER_VCPU));
  return {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // failures are thrown
    // Threads that spin while they wait burn the CPU share that the function pays for.
    ...(intraOpNumThreads > 1 && { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
  };
};

/** The types of the constructor have one overload for each data type; `Tensor` guarantees that `data` fits `dtype`. */
const toNative = (ort: typeof Ort, { dtype, data, shape }: Tensor): Ort.Tensor =>
  new ort.Tensor(dtype, data as Float32Array, shape);

const fromNative = (name: string, value: Ort.Tensor | undefined): Tensor => {
  if (value !== undefined && isDType(value.type)) return tensor(value.type, value.dims, value.data);
  throw new ServingError('INFERENCE_FAILED', `the graph gave no tensor "${name}" of a known data type`);
};

/** @throws `MODEL_INVALID`, and then the session is released */
const readSignature = async (native: Ort.InferenceSession): Promise<Signature> => {
  try {
    return { inputs: toSpecs('input', native.inputMetadata), outputs: toSpecs('output', native.outputMetadata) };
  } catch (error) {
    await native.release();
    throw error;
  }
};

/**
 * Creates a session from the ONNX file at `path`, which names files with external data relative to itself.
 * @throws `MODEL_INVALID` with onnxruntime's reason
 */
export const createSession = async (path: string, memoryMb: number): Promise<Session> => {
  const ort = loadRuntime();
  const native = await ort.InferenceSession.create(path, sessionOptions(memoryMb)).catch((error: unknown) => {
    throw ServingError.from(error, 'MODEL_INVALID');
  });
  const signature = await readSignature(native);
  const allOutputs = signature.outputs.map(({ name }) => name);

  return {
    signature,

    async run(feeds, outputNames = allOutputs) {
      assertInputs(signature, feeds);
      const inputs: Record<string, Ort.Tensor> = {};
      for (const [name, feed] of Object.entries(feeds)) inputs[name] = toNative(ort, feed);
      try {
        const results = await native.run(inputs, [...outputNames]);
        const outputs: Record<string, Tensor> = {};
        for (const name of outputNames) outputs[name] = fromNative(name, results[name]);
        return outputs;
      } catch (error) {
        throw ServingError.from(error, 'INFERENCE_FAILED');
      }
    },

    release: () => native.release(),
  };
};
