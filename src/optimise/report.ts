import { runtimeVersion } from '../engine/bake.ts';
import type { Attempt, Figures } from './attempt.ts';
import type { MethodName } from './methods.ts';
import type { LayerError, Tried } from './search.ts';

/** The file of a version that was optimised, with its report. */
export const REPORT_FILE = 'optimisation.json';
/** Layers in the report, the worst first. */
const MOST_LAYERS = 20;

/** The document `optimisation.json` of a version that was optimised. */
export interface OptimisationReport {
  readonly from: { readonly name: string; readonly version: number };
  readonly method: MethodName | undefined;
  readonly maxLoss: number;
  readonly samples: { readonly count: number; readonly answered: number; readonly sha256: string };
  /** Inputs whose sizes were fixed, such as `pixels float32[n,3,224,224]`. The version refuses other sizes. */
  readonly fixedSizes: readonly string[];
  readonly original: Omit<Figures, 'cpuMs'>;
  readonly attempts: readonly Attempt[];
  /** The worst layers of each method whose errors were looked for. */
  readonly layerErrors: Readonly<Record<string, readonly LayerError[]>>;
  readonly processor: string;
  readonly runtime: string;
}

export const toReport = (
  tried: readonly Tried[],
  about: Pick<OptimisationReport, 'from' | 'method' | 'maxLoss' | 'samples' | 'fixedSizes' | 'original'>,
): OptimisationReport => ({
  ...about,
  attempts: tried.map(({ attempt }) => attempt),
  layerErrors: Object.fromEntries(
    tried
      .filter(({ errors }) => errors.length > 0)
      .map(({ attempt, errors }) => [attempt.method, errors.slice(0, MOST_LAYERS)]),
  ),
  processor: process.arch,
  runtime: runtimeVersion(),
});
