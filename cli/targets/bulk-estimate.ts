import { ServingError } from '../../src/core/errors.ts';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import type { BulkRun } from '../../src/jobs/bulk/bulk-run.ts';
import { createToInput } from '../../src/jobs/bulk/joined-columns.ts';
import { ask } from './ask.ts';
import { estimateRun } from './bulk-price.ts';
import type { Outgoing } from './send.ts';
import type { Target } from './target.ts';

const MEASUREMENTS = 3;

/** The time and the price of a run, or the reason for which its first element could not be measured. */
export type Estimate =
  | { readonly msPerElement: number; readonly seconds: number; readonly dollars: number }
  | { readonly unknown: string };

const toPost = (element: BulkElement, toInput: ReturnType<typeof createToInput>): Outgoing | undefined => {
  const json = (value: unknown): Outgoing => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  });
  if ('key' in element) return json({ inputs: { s3: element.key } });
  return 'input' in element ? json({ inputs: toInput(element) }) : undefined;
};

/** Times requests with the first element: more than its share of a chunk takes, since it runs alone and crosses the network. */
export const estimate = async (
  { send, repository }: Pick<Target, 'send' | 'repository'>,
  { model, version, chunk, maxConcurrency, join }: BulkRun,
  first: BulkElement | undefined,
  elements: number,
): Promise<Estimate> => {
  const post = first && toPost(first, createToInput(await repository.bundle(model, version), join));
  if (post === undefined) return { unknown: 'there is no element to measure' };
  let msPerElement = Number.POSITIVE_INFINITY;
  try {
    for (let measurement = 0; measurement < MEASUREMENTS; measurement += 1) {
      const startMs = performance.now();
      await ask(send, `/models/${model}/versions/${version}`, post);
      msPerElement = Math.min(msPerElement, performance.now() - startMs);
    }
  } catch (error) {
    return { unknown: ServingError.from(error).message };
  }
  const areObjects = first !== undefined && 'key' in first;
  return { msPerElement, ...estimateRun({ elements, chunk, msPerElement, maxConcurrency, areObjects }) };
};

export const formatEstimate = (found: Estimate): string =>
  'unknown' in found
    ? `no estimate: ${found.unknown}`
    : `at most ${found.msPerElement.toFixed(1)} ms each, ${Math.ceil(found.seconds)} s together, and $${found.dollars.toFixed(2)}`;
