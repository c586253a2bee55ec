import { statfsSync } from 'node:fs';
import { BYTES_PER_LAMBDA_MB } from '../../core/format-bytes.ts';
import { lately } from '../../core/lately.ts';
import { memoryUsed } from '../../core/memory-used.ts';
import { roundMs } from '../../core/stopwatch.ts';
import type { Observation } from '../../serving/telemetry.ts';

/** The environment in which requests are answered. */
export interface EnvironmentOptions {
  /** Memory of the function. */
  readonly memoryMb: number;
  /** Lies in the file system whose use is reported. */
  readonly directory: string;
  /** Time of init, once it has ended. */
  readonly initMs: () => number;
}

/** Time, memory and disk at the end of a request. */
export interface Use {
  readonly totalMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
  readonly tmpMb: number;
  /** Parts of the memory and of the file system, in percent. */
  readonly memoryPercent: number;
  readonly tmpPercent: number;
}

const toMb = (bytes: number): number => Math.round(bytes / BYTES_PER_LAMBDA_MB);
const toPercent = (part: number, whole: number): number => Math.round((1000 * part) / Math.max(1, whole)) / 10;

/** Memory and disk are at most 100 ms old. */
export const createMeasureUse = ({
  memoryMb: limitMb,
  directory,
}: EnvironmentOptions): ((observation: Observation) => Use) => {
  const fileSystem = lately(() => statfsSync(directory));
  return ({ stopwatch }) => {
    const memoryBytes = memoryUsed();
    const { blocks, bfree, bsize } = fileSystem();
    return {
      totalMs: roundMs(stopwatch.totalMs()),
      cpuMs: roundMs(stopwatch.cpuMs()),
      memoryMb: toMb(memoryBytes),
      tmpMb: toMb((blocks - bfree) * bsize),
      memoryPercent: toPercent(memoryBytes, limitMb * BYTES_PER_LAMBDA_MB),
      tmpPercent: toPercent(blocks - bfree, blocks),
    };
  };
};
