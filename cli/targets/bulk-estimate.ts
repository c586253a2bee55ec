import { LAMBDA_MB_PER_VCPU } from '../../src/core/aws-limits.ts';
import { ServingError } from '../../src/core/errors.ts';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import type { BulkRun } from '../../src/jobs/bulk/bulk-run.ts';
import { createToInput, modelColumns } from '../../src/jobs/bulk/joined-columns.ts';
import { toExactJson } from '../../src/protocol/json.ts';
import type { PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { ask } from './ask.ts';
import { estimateRun } from './bulk-price.ts';
import type { Target } from './target.ts';

const MEASUREMENTS = 3;
/** Rows that are timed together for a model of tables, as a child answers them. Another model might take minutes for so many. */
const SAMPLE_ROWS = 200;

/** The time and the price of a run, or the reason for which its first element could not be measured. */
export type Estimate =
  | { readonly msPerElement: number; readonly seconds: number; readonly dollars: number }
  | { readonly unknown: string };

/** A request, and the elements that it answers. */
interface Sample {
  readonly inputs: unknown;
  readonly count: number;
}

/** The requests that may be timed: rows of a table as a list, and if that is refused, the first element alone. */
const samplesOf = (elements: readonly BulkElement[], bundle: PublishedBundle, join: readonly string[]): Sample[] => {
  const [first] = elements;
  if (first !== undefined && 'key' in first) return [{ inputs: { s3: first.key }, count: 1 }];
  const rows = elements
    .filter((element) => 'input' in element)
    .slice(0, modelColumns(bundle) === undefined ? 1 : SAMPLE_ROWS);
  const inputs = rows.map(createToInput(bundle, join));
  const alone = inputs.slice(0, 1).map((input) => ({ inputs: input, count: 1 }));
  return inputs.length > 1 ? [{ inputs, count: inputs.length }, ...alone] : alone;
};

/** The least time of some requests, for each of their elements, in milliseconds. */
const timeSample = async (send: Target['send'], path: string, { inputs, count }: Sample): Promise<number> => {
  const headers = { 'content-type': 'application/json' };
  const body = Buffer.from(toExactJson({ inputs }));
  let leastMs = Number.POSITIVE_INFINITY;
  for (let measurement = 0; measurement < MEASUREMENTS; measurement += 1) {
    const startMs = performance.now();
    await ask(send, path, { method: 'POST', headers, body });
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  return leastMs / count;
};

/**
 * Times requests with the first elements: more than their share of a chunk takes, since they cross the network.
 * @param firsts the first elements, as many as there are at hand
 */
export const estimate = async (
  { send, repository }: Pick<Target, 'send' | 'repository'>,
  { model, version, chunk, maxConcurrency, join }: BulkRun,
  firsts: readonly BulkElement[],
  elements: number,
): Promise<Estimate> => {
  const samples = samplesOf(firsts, await repository.bundle(model, version), join);
  const areObjects = firsts.some((element) => 'key' in element);
  let unknown = 'there is no element to measure';
  for (const sample of samples)
    try {
      const msPerElement = await timeSample(send, `/models/${model}/versions/${version}`, sample);
      return { msPerElement, ...estimateRun({ elements, chunk, msPerElement, maxConcurrency, areObjects }) };
    } catch (error) {
      unknown = ServingError.from(error).message;
    }
  return { unknown };
};

const formatMs = (ms: number): string => (ms < 1 ? ms.toPrecision(1) : ms.toFixed(1));

export const formatEstimate = (found: Estimate): string => {
  if ('unknown' in found) return `no estimate: ${found.unknown}`;
  const price = `$${found.dollars.toFixed(2)} with ${LAMBDA_MB_PER_VCPU} MB of memory`;
  return `at most ${formatMs(found.msPerElement)} ms each, ${Math.ceil(found.seconds)} s together, and ${price}`;
};
