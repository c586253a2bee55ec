import { createRandom } from '../../core/random.ts';
import type { Arrival } from './trace.ts';

/** The middle and the 95th percentile of the time of a warm request, in milliseconds. */
export interface ServiceTime {
  readonly p50: number;
  readonly p95: number;
}

/** Standard deviations between the middle and the 95th percentile of a normal distribution. */
const P95_DEVIATIONS = 1.6449;

/** Gives each request without a time of its own one by chance, of a log-normal distribution with these percentiles. */
export const withServiceTimes = (
  arrivals: readonly Arrival[],
  { p50, p95 }: ServiceTime,
): { readonly atMs: number; readonly serviceMs: number }[] => {
  const random = createRandom(2);
  const spread = Math.log(p95 / p50) / P95_DEVIATIONS;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return arrivals.map(({ atMs, serviceMs }) => ({ atMs, serviceMs: serviceMs ?? p50 * Math.exp(spread * normal()) }));
};
