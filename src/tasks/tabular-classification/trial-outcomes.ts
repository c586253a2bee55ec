import { isBatchable, type OutputRow, rangeOf } from '../../core/batch.ts';
import type { Row } from '../../media/table/rows.ts';
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

/** Rows that run together: those of a graph of texts are as wide as its vocabulary. */
const ROWS_TOGETHER = 16;
/** Most rows for a graph that takes one at a time. */
const MOST_SINGLE_ROWS = 32;

/**
 * The outputs for each of some varied rows. Rows run one by one where several fail together; those that the graph fails on, such as unknown
 * categories, are left out.
 */
const runRows = async (model: TaskModel, { columns }: TabularClassificationSettings): Promise<readonly OutputRow[]> => {
  const graph = graphOf(model.graphs);
  const table = createTable(columns, graph.signature);
  const run = async (rows: readonly Row[]): Promise<readonly OutputRow[] | undefined> => {
    const outputs = await graph.run(toFeeds(rows, table)).catch(() => undefined);
    return outputs && rows.map((_, row) => ({ outputs, row, count: rows.length }));
  };
  const all = variedRows(table);
  const size = isBatchable(graph.signature) ? ROWS_TOGETHER : 1;
  const found: OutputRow[] = [];
  let singleRows = 0;
  for (let start = 0; start < all.length; start += size) {
    const rows = all.slice(start, start + size);
    const together = size > 1 ? await run(rows) : undefined;
    if (together !== undefined) found.push(...together);
    else for (const row of rows) if (singleRows++ < MOST_SINGLE_ROWS) found.push(...((await run([row])) ?? []));
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
