import { basename } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { loadRuntime } from './session.ts';

/** Smaller weights stay in the graph's own file. */
const EXTERNAL_FROM_BYTES = 1024;

/** What is appended to the path of a baked graph for the file with its weights. */
export const WEIGHTS_SUFFIX = '.data';

/** The version of onnxruntime that loads and bakes here. */
export const runtimeVersion = (): string => loadRuntime().env.versions.node ?? 'unknown';

/**
 * Writes the graph at `path` to `target` as it loads fastest: constants folded and nodes removed that compute nothing ("basic": standard
 * operators only, the same on every CPU), and weights in a file beside it, which a load maps into memory instead of parsing and copying them.
 * https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html
 *
 * @throws `MODEL_INVALID` when onnxruntime cannot write it
 */
export const bakeGraph = async (path: string, target: string): Promise<void> => {
  const { InferenceSession } = loadRuntime();
  try {
    const session = await InferenceSession.create(path, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: target,
      logSeverityLevel: 4,
      extra: {
        session: {
          optimized_model_external_initializers_file_name: basename(target) + WEIGHTS_SUFFIX,
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
