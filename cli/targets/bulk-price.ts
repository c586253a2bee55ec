import { LAMBDA_MB_PER_VCPU } from '../../src/core/aws-limits.ts';
import { priceOf } from '../../src/monitoring/figures/prices.ts';

/** Dollars in us-east-1. Beside its invocation, a child is four transitions of its state machine and four objects that it writes. */
const CHILD_DOLLARS = 4 * 0.000025 + 4 * 0.000005;
/** The price of a read of S3. A child reads each element that is an object; rows of a table are in its chunk. */
const READ_DOLLARS = 0.0000004;

export interface BulkWork {
  readonly elements: number;
  /** Elements that a child answers. */
  readonly chunk: number;
  readonly msPerElement: number;
  readonly maxConcurrency: number;
  /** True for objects, false for rows of a table. */
  readonly areObjects: boolean;
}

/** Children of a run. */
export const childrenOf = ({ elements, chunk }: Pick<BulkWork, 'elements' | 'chunk'>): number =>
  Math.ceil(elements / chunk);

/** The price of a run whose functions take `billedMs` together, in dollars. */
export const priceRun = (work: BulkWork, billedMs: number): number => {
  const children = childrenOf(work);
  const reads = work.areObjects ? work.elements : children;
  return priceOf(children, billedMs, LAMBDA_MB_PER_VCPU, false) + children * CHILD_DOLLARS + reads * READ_DOLLARS;
};

/** The time of a run without cold starts, in seconds, and its price in dollars. */
export const estimateRun = (work: BulkWork): { readonly seconds: number; readonly dollars: number } => {
  const workMs = work.msPerElement * work.elements;
  return {
    seconds: workMs / 1000 / Math.max(1, Math.min(work.maxConcurrency, childrenOf(work))),
    dollars: priceRun(work, workMs),
  };
};
