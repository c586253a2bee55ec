import { basename } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { loadRuntime } from './session.ts';

/** Weights of fewer bytes stay in the graph's own file. */
const EXTERNAL_FROM_BYTES = 1024;

/** A baked graph's weights lie in the file of the graph's name with this suffix. */
export const WEIGHTS_SUFFIX = '.data';

/** The version of the onnxruntime of this process. */
export const runtimeVersion = (): string => loadRuntime().env.versions.node ?? 'unknown';

/**
 * Bakes the graph at `path`: writes it to `bakedPath` in the form that loads fastest.
 *
 * - Constants are folded, and nodes that compute nothing removed. Optimisation level "basic" uses standard operators only, on every CPU.
 * - Weights stand in a file beside `bakedPath`, which a load maps into memory instead of parsing and copying it.
 *
 * https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html
 *
 * @throws `MODEL_INVALID` when onnxruntime cannot write it
 */
export const bakeGraph = async (path: string, bakedPath: string): Promise<void> => {
  const { InferenceSession } = loadRuntime();
  try {
    const session = await InferenceSession.create(path, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: bakedPath,
      logSeverityLevel: 4,
      extra: {
        session: {
          optimized_model_external_initializers_file_name: basename(bakedPath) + WEIGHTS_SUFFIX,
          optimized_model_external_initializers_min_size_in_bytes: String(EXTERNAL_FROM_BYTES),
          disable_prepacking: '1', // this session never runs
        },
      },
    });
    await session.release();
  } catch (error) {
    throw ServingError.from(error, 'MODEL_INVALID');
  }
};
