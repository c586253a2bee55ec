import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { PARITY_TABLES, parityBlock, toParityTable } from '../support/parity/parity-tables.ts';

const tables = Object.entries(PARITY_TABLES).flatMap(([task, measures]) =>
  Object.entries(measures).map(([name, measure]) => [name, task, measure] as const),
);

/** The worst case of each row is left out: it depends on the processor. */
const withoutWorst = (table: string): string => table.replaceAll(/ [^|]* \|( [^|]* \|)$/gm, '$1');

it.each(tables)(
  'the table of parity of %s has the bars that the tests hold: docs/tasks/%s.md',
  async (name, task, measure) => {
    const [, , table = ''] = parityBlock(name).exec(await readFile(`docs/tasks/${task}.md`, 'utf8')) ?? [];
    expect(withoutWorst(table)).toBe(withoutWorst(toParityTable(await measure())));
  },
);
