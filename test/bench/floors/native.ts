import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';
import type createSharp from 'sharp';

const require = createRequire(import.meta.url);

export const loadSharp = (): typeof createSharp => {
  const sharp = require('sharp') as typeof createSharp;
  sharp.concurrency(1); // one vCPU
  return sharp;
};

/** The options that the product creates its sessions with, on one vCPU. */
const OPTIONS: Ort.InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  interOpNumThreads: 1,
  intraOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4,
};

/** The bare runtime: a session by path, and its tensors. */
export const openSession = async (modelPath: string) => {
  const ort = require('onnxruntime-node') as typeof Ort;
  const session = await ort.InferenceSession.create(modelPath, OPTIONS);
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  return {
    session,
    Tensor: ort.Tensor,
    /** Runs a model of one float32 input and one float32 output. */
    async run(data: Float32Array, shape: readonly number[]): Promise<Float32Array> {
      const results = await session.run({ [input]: new ort.Tensor('float32', data, shape) });
      return results[output]?.data as Float32Array;
    },
  };
};
