import { afterEach, describe, expect, it } from '@jest/globals';
import { NEVER } from '../../src/core/deadline.ts';
import type { Session } from '../../src/engine/session.ts';
import { createTestServing, findNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

let serving: TestServing;
afterEach(() => serving.remove());

const TEXTS = ['one', 'two words', 'now three words', 'here are four words', 'and a last one of six'];
const ROWS = TEXTS.map((_, index) => [5 + index / 10, 3, 1.4, 0.2]);

/** How many rows each run of `role` got while `inputs` were answered. */
const countRows = async (name: string, role: string, inputs: readonly unknown[], maxBatch?: number) => {
  serving = await createTestServing();
  await pushModel(serving.repository, findNamed(name), { name, ...(maxBatch !== undefined && { maxBatch }) });
  const rows: number[] = [];
  await serving.models.use(await serving.router.route({ name }), NEVER, async ({ graphs }) => {
    const session = graphs[role] as { run: Session['run'] };
    const { run } = session;
    session.run = (feeds, outputNames) => {
      rows.push(Object.values(feeds)[0]?.shape[0] ?? 0);
      return run(feeds, outputNames);
    };
  });
  const response = await serving.fetch(`/models/${name}`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
    headers: { 'content-type': 'application/json' },
  });
  expect(response.status).toBe(200);
  expect(await response.json()).toHaveLength(inputs.length);
  return rows;
};

describe.each([
  ['text-classification', 'tiny-bert-sentiment', 'model', TEXTS],
  ['token-classification', 'tiny-bert-ner', 'model', TEXTS],
  ['feature-extraction', 'tiny-bert-sentences', 'model', TEXTS],
  ['translation', 'tiny-t5', 'encoder', TEXTS],
  ['tabular-classification', 'iris', 'model', ROWS],
])('%s', (_task, name, role, inputs) => {
  it('runs a list together', async () => {
    expect(Math.max(...(await countRows(name, role, inputs)))).toBe(inputs.length);
  });

  it('runs no more rows together than the version says', async () => {
    const rows = await countRows(name, role, inputs, 2);
    expect(Math.max(...rows)).toBe(2);
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(inputs.length);
  });
});

it('translation counts beams as rows', async () => {
  const rows = await countRows('tiny-marian', 'encoder', TEXTS, 8); // of 4 beams
  expect(Math.max(...rows)).toBe(2);
});
