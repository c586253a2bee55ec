import { readFile } from 'node:fs/promises';
import type { ParityRow } from './parity-row.ts';

/** A table with its markers: start, rows, end. */
export const parityBlock = (name: string): RegExp =>
  new RegExp(`(<!-- parity of ${name} -->\\n)([\\s\\S]*?)(<!-- end -->)`);

export const toParityTable = (rows: readonly ParityRow[]): string =>
  [
    '| model | inputs | compared | worst | bar |',
    '|---|---:|---|---|---|',
    ...rows.map(
      ({ model, inputs, compared, worst, bar }) => `| ${model} | ${inputs} | ${compared} | ${worst} | ${bar} |`,
    ),
    '',
  ].join('\n');

/** A table without its worst cases, which depend on the processor. */
const withoutWorst = (table: string): string => table.replaceAll(/ [^|]* \|( [^|]* \|)$/gm, '$1');

/** The bars that a test holds, as `barsOnPage` has those of the task's page. */
export const toBars = (rows: readonly ParityRow[]): string => withoutWorst(toParityTable(rows));

/** The bars in the table `name` of the page of `task`. */
export const barsOnPage = async (task: string, name = task): Promise<string> => {
  const [, , table = ''] = parityBlock(name).exec(await readFile(`docs/tasks/${task}.md`, 'utf8')) ?? [];
  return withoutWorst(table);
};
