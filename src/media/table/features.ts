import type { Deadline } from '../../core/deadline.ts';
import { type Feature, type Features, MOST_DESCRIBED } from '../../core/features.ts';
import { textFeatures } from '../text/features.ts';
import type { Cell } from './cell.ts';
import type { Row } from './rows.ts';
import { readTable, type TableSource } from './steps.ts';
import type { Table } from './table.ts';

const toFeature = (cell: Cell | undefined): Feature => {
  if (cell === undefined || cell === '' || Number.isNaN(cell)) return null;
  return typeof cell === 'bigint' ? Number(cell) : cell;
};

/** The columns of a row by name; a missing value is null. A text is described by its own figures: `review.characters`. */
const rowFeatures = (row: Row, { columns, inputs }: Table): Features => {
  const texts = new Set(inputs.filter(({ toTerms }) => toTerms !== undefined).flatMap((input) => input.columns));
  return Object.fromEntries(
    columns.flatMap(({ name }, index) =>
      texts.has(index)
        ? Object.entries(textFeatures(String(row[index]))).map(([figure, value]) => [`${name}.${figure}`, value])
        : [[name, toFeature(row[index])]],
    ),
  );
};

/** See `rowFeatures`: the first of many rows. */
export const describeTable = async (source: TableSource, table: Table, deadline: Deadline): Promise<Features[]> =>
  (await readTable(source, table, deadline)).slice(0, MOST_DESCRIBED).map((row) => rowFeatures(row, table));
