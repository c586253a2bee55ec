/** The public contract of extensions: rows of a table, as JSON or CSV. */
export type { Row } from '../media/table/rows.ts';
export {
  blankTable,
  decodeTable,
  nameRow,
  readNumbers,
  readRowNumbers,
  readTable,
  type TableSource,
  toFeeds,
} from '../media/table/steps.ts';
export { type ColumnSettings, columnsSchema, createTable, type Table } from '../media/table/table.ts';
