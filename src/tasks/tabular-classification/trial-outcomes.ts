import { isBatchable, type OutputRow, rangeOf } from '../../core/batch.ts';
import { toFeeds } from '../../media/table/steps.ts';
import { createTable } from '../../media/table/table.ts';
import { graphOf } from '../graph-of.ts';
import type { TaskModel } from '../task.ts';
import { variedRows } from '../varied-rows.ts';
import { readLabel, readScores } from './answer.ts';
import type { Head } from './heads.ts';
import type { TabularClassificationSettings } from './settings.ts';

/** The scores of a head for a row, and the graph's own label. */
export interface Outcome {
  readonly head: Head;
  readonly scores: readonly number[];
  readonly label: readonly string[] | undefined;
}

/** Most rows for a graph that takes one at a time. */
const MOST_SINGLE_ROWS = 32;

/** The outputs for each of some varied rows; rows that the graph fails on, such as unknown categories, are left out. */
const runRows = async (model: TaskModel, { columns }: TabularClassificationSettings): Promise<readonly OutputRow[]> => {
  const graph = graphOf(model.graphs);
  const table = createTable(columns, graph.signature);
  const all = variedRows(table);
  if (isBatchable(graph.signature)) {
    const outputs = await graph.run(toFeeds(all, table)).catch(() => undefined);
    if (outputs !== undefined) return all.map((_, row) => ({ outputs, row, count: all.length }));
  }
  const found: OutputRow[] = [];
  for (const row of all.slice(0, MOST_SINGLE_ROWS)) {
    const outputs = await graph.run(toFeeds([row], table)).catch(() => undefined);
    if (outputs !== undefined) found.push({ outputs, row: 0, count: 1 });
  }
  return found;
};

/** The outcomes of varied rows; rows without finite scores are left out. */
export const runVariedRows = async (
  model: TaskModel,
  settings: TabularClassificationSettings,
  heads: readonly Head[],
): Promise<Outcome[]> => {
  const outputs = await runRows(model, settings);
  return heads.flatMap((head) =>
    outputs
      .map((row): Outcome => {
        const read = (name: string): number[] => {
          const output = row.outputs[name];
          const isFloat = output?.dtype === 'float32' || output?.dtype === 'float64';
          return isFloat ? Array.from(output.data.subarray(...rangeOf(output, row))) : [];
        };
        return { head, scores: readScores(head, read), label: readLabel(head, row) };
      })
      .filter(({ scores }) => scores.every(Number.isFinite)),
  );
};
