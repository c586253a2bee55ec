import { ServingError } from '../core/errors.ts';
import { type Estimate, lambdaDollars } from './estimate.ts';
import { toSpread } from './measure-version.ts';
import type { Prices } from './prices.ts';
import type { Architecture } from './profile.ts';

/** A call of a deployed function. */
export interface Invocation {
  readonly durationMs: number;
  /** The time of the init before it; undefined for a warm environment. */
  readonly initMs: number | undefined;
  /** Why it gave no answer. */
  readonly problem?: string;
}

/** A deployed function whose memory can be changed. */
export interface TunableFunction {
  readonly architecture: Architecture;
  /** Gives the function new execution environments of this size. */
  resize(memoryMb: number): Promise<void>;
  /** Sends the request at this place, and then again from the first. */
  invoke(request: number): Promise<Invocation>;
}

/** Calls of a warm function for each size, one after the other. */
const WARM_CALLS = 20;
/** The share of the calls that is left out at each end: an environment that was disturbed says nothing. */
const TRIMMED = 0.2;

/** The middle of the values, as aws-lambda-power-tuning takes it. */
export const trim = (values: readonly number[]): number[] => {
  const left = Math.floor(values.length * TRIMMED);
  return values.toSorted((a, b) => a - b).slice(left, values.length - left);
};

/**
 * Measures a deployed function at each size: a cold call, then warm ones. A size at which calls fail has that as its problem; one without
 * any answer is left out.
 * @throws `INFERENCE_FAILED` when the function answers at no size
 */
export const measureDeployed = async (
  deployed: TunableFunction,
  version: number,
  sizes: readonly number[],
  prices: Prices,
  onStep: (step: string) => void,
): Promise<Estimate[]> => {
  const { architecture } = deployed;
  const estimates: Estimate[] = [];
  const problems: string[] = [];
  for (const memoryMb of sizes) {
    onStep(`${memoryMb} MB`);
    await deployed.resize(memoryMb);
    const cold = await deployed.invoke(0);
    if (cold.problem !== undefined) {
      problems.push(`with ${memoryMb} MB: ${cold.problem}`);
      continue;
    }
    const durations: number[] = [];
    const failures: string[] = [];
    for (let call = 1; call <= WARM_CALLS; call += 1) {
      const { durationMs, problem } = await deployed.invoke(call);
      if (problem === undefined) durations.push(durationMs);
      else failures.push(problem);
    }
    const [failure] = failures;
    if (durations.length === 0) {
      problems.push(`with ${memoryMb} MB: ${failure}`);
      continue;
    }
    const { p50, p95 } = toSpread(durations);
    const { mean } = toSpread(trim(durations));
    estimates.push({
      ...{ version, architecture, memoryMb, threads: 0, latencyMs: { p50, p95, mean } },
      coldMs: (cold.initMs ?? 0) + cold.durationMs,
      dollarsPerMillion: lambdaDollars(prices, architecture, memoryMb, mean),
      ...(failure !== undefined && { problem: `${failures.length} of ${WARM_CALLS} calls failed: ${failure}` }),
    });
  }
  if (estimates.length === 0)
    throw new ServingError('INFERENCE_FAILED', `the function did not answer: ${problems.join('; ')}`);
  return estimates;
};
