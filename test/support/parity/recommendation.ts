import { join } from 'node:path';
import type { Recommendations } from '../../../src/tasks/recommendation/task.ts';
import { FIXTURES, readJson } from '../image-parity.ts';
import { createTestServing, pushNamed } from '../serving.ts';
import type { ParityRow } from './parity-row.ts';

interface Case {
  readonly model: string;
  readonly queries: readonly unknown[];
  readonly answers: readonly Expected[];
}

interface Expected {
  readonly ranked_by: string;
  readonly ids: readonly string[];
  readonly scores: readonly number[];
}

const toExpected = ({ ranked_by, items }: Recommendations): Expected => ({
  ranked_by,
  ids: items.map(({ id }) => id),
  scores: items.map(({ score }) => score),
});

/** Asks each model for all its queries at once, over HTTP: ids, order and scores have to be those of numpy. */
export const measureRecommendation = async (): Promise<ParityRow[]> => {
  const cases = (await readJson(join(FIXTURES, 'reference/recommendation.json'))) as Case[];
  const serving = await createTestServing();
  const rows: ParityRow[] = [];
  for (const { model, queries, answers } of cases) {
    await pushNamed(serving.repository, model);
    const response = await serving.fetch(`/models/${model}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: queries }),
    });
    if (!response.ok) throw new Error(`${model}: ${await response.text()}`);
    const actual = ((await response.json()) as Recommendations[]).map(toExpected);
    const others = answers.filter(
      (expected, index) => JSON.stringify(actual[index]) !== JSON.stringify(expected),
    ).length;
    rows.push({
      model,
      inputs: queries.length,
      compared: 'ids, their order and scores',
      worst: others === 0 ? 'identical' : `${others} differ`,
      bar: 'identical',
    });
  }
  await serving.remove();
  return rows;
};
