import { type BulkWork, childrenOf, priceRun } from '../../../cli/targets/bulk-price.ts';
import { createRandom } from '../../../src/core/random.ts';

/** The first answer of an environment of the sample models. */
const COLD_START_MS = 1_000;
/** Lambda starts up to 1,000 environments in 10 seconds. https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html */
const STARTS_PER_SECOND = 100;
/** The spread of the time of a chunk, as the standard deviation of its logarithm. */
const SPREAD = 0.2;
/** The share of attempts that fail in their middle, and are made again. */
const FAILING = 0.01;

/** Runs the children of a run one after the other on the environment that is free first. */
export const simulateRun = (work: BulkWork): { readonly seconds: number; readonly dollars: number } => {
  const random = createRandom(1);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const children = childrenOf(work);
  const chunkMs = (work.msPerElement * work.elements) / children;
  const environments = Math.min(work.maxConcurrency, children);
  const freeAtMs = Float64Array.from(
    { length: environments },
    (_, index) => Math.floor(index / STARTS_PER_SECOND) * 1_000 + COLD_START_MS,
  );
  let billedMs = environments * COLD_START_MS;
  for (let child = 0; child < children; child += 1) {
    const ms = chunkMs * Math.exp(SPREAD * normal() - SPREAD ** 2 / 2);
    const takenMs = random() < FAILING ? 1.5 * ms : ms;
    const first = freeAtMs.indexOf(Math.min(...freeAtMs));
    freeAtMs[first] = (freeAtMs[first] ?? 0) + takenMs;
    billedMs += takenMs;
  }
  return { seconds: Math.max(...freeAtMs) / 1000, dollars: priceRun(work, billedMs) };
};
