import { billedMs } from '../estimate.ts';
import type { Prices } from '../prices.ts';
import { DAY_MS } from './trace.ts';

/** Latency and cost of the requests with some environments kept. */
export interface Outcome {
  /** From 0 to 1. */
  readonly coldShare: number;
  readonly p99Ms: number;
  /** US dollars of Lambda in 30 days like those of the trace. */
  readonly dollarsPerMonth: number;
}

const DAYS = 30;

/** The value that 99 % of the values do not exceed. */
export const p99Of = (values: Float64Array): number => values.toSorted()[Math.ceil(values.length * 0.99) - 1] ?? 0;

/** US dollars of a request. Lambda bills the start of an environment, too. */
export const requestDollars = (prices: Prices, memoryMb: number, latencyMs: number, isKept: boolean): number => {
  const gbSeconds = (memoryMb / 1024) * (billedMs(latencyMs) / 1000);
  return prices('lambda.requests') / 1e6 + gbSeconds * prices(isKept ? 'lambda.kept-run' : 'lambda.x86_64');
};

/** US dollars of environments that are kept for some hours. */
export const keptDollars = (prices: Prices, memoryMb: number, hours: number): number =>
  (memoryMb / 1024) * hours * 3600 * prices('lambda.kept');

/** Adds up requests as they are played. */
export const createOutcome = (count: number, { prices, memoryMb, spanMs, keptHours }: OutcomeOptions) => {
  const latencies = new Float64Array(count);
  let cold = 0;
  let dollars = keptDollars(prices, memoryMb, keptHours);
  return {
    add: (index: number, latencyMs: number, isCold: boolean, isKept: boolean): void => {
      latencies[index] = latencyMs;
      if (isCold) cold += 1;
      dollars += requestDollars(prices, memoryMb, latencyMs, isKept);
    },
    end: (): Outcome => ({
      coldShare: cold / count,
      p99Ms: p99Of(latencies),
      dollarsPerMonth: (dollars * DAYS * DAY_MS) / spanMs,
    }),
  };
};

export interface OutcomeOptions {
  readonly prices: Prices;
  readonly memoryMb: number;
  /** The time that the trace stands for. */
  readonly spanMs: number;
  /** Environments that are kept, times hours, in that time. */
  readonly keptHours: number;
}
