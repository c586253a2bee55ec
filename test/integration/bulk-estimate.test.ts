import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { estimate } from '../../cli/targets/bulk-estimate.ts';
import type { Send } from '../../cli/targets/send.ts';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import { bulkRun } from '../support/bulk.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
});
afterEach(() => serving.remove());

const repeat = (count: number, input: unknown): BulkElement[] =>
  Array.from({ length: count }, (_, index) => ({ row: index + 1, input }));

/** The numbers of inputs of the requests that are timed for the first elements of a run. */
const timedInputs = async (model: string, firsts: readonly BulkElement[]): Promise<number[]> => {
  await pushNamed(serving.repository, model);
  const counts: number[] = [];
  const send: Send = async (path, { body, ...init }) => {
    const text = Buffer.from(body ?? '').toString();
    const { inputs } = JSON.parse(text);
    counts.push(Array.isArray(inputs) && typeof inputs[0] !== 'number' ? inputs.length : 1);
    return serving.fetch(path, { ...init, body: text });
  };
  const found = await estimate({ send, repository: serving.repository }, bulkRun({ model }), firsts, 10_000);
  expect(found).toMatchObject({ msPerElement: expect.any(Number) });
  return counts;
};

it('times rows of a table together', async () => {
  expect(await timedInputs('iris', repeat(300, [5, 3, 1, 0.2]))).toEqual([200, 200, 200]);
});

it('times the first row alone when one of them is refused', async () => {
  const rows = [...repeat(2, [5, 3, 1, 0.2]), ...repeat(1, [5])];
  expect(await timedInputs('iris', rows)).toEqual([3, 1, 1, 1]);
});

it('times a text alone: some hundred could take minutes', async () => {
  expect(await timedInputs('sentiment', repeat(300, 'I love it.'))).toEqual([1, 1, 1]);
});
