import * as v from 'valibot';
import { messageOf } from '../../core/message-of.ts';
import { setOwn } from '../../core/set-own.ts';
import { parseExactJson } from '../../protocol/json.ts';
import type { BulkElement } from './bulk-element.ts';
import { type NextRecord, nextCsvRecord, nextJsonLine, splitCells } from './table-records.ts';

/** The kinds of tables, by the endings of their names. */
export const TABLE_RECORDS: Readonly<Record<TableKind, NextRecord>> = { csv: nextCsvRecord, jsonl: nextJsonLine };
export type TableKind = 'csv' | 'jsonl';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Records of a table that lie one behind the other, as their text. */
export const sliceSchema = v.object({
  slice: v.picklist(['csv', 'jsonl']),
  /** The names of the columns; none for JSON Lines. */
  header: v.array(v.string()),
  /** The row and the line of the first record. Rows of CSV are counted below the header, from 1. */
  row: count,
  line: count,
  text: v.string(),
});
export type TableSlice = v.InferOutput<typeof sliceSchema>;

/** The character in a text for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

const toJsonElement = (row: number, text: string): BulkElement => {
  try {
    return { row, input: parseExactJson(text) };
  } catch (error) {
    const begins = error instanceof SyntaxError ? `line ${row} is not JSON: ` : `in line ${row}, `;
    return { row, problem: begins + messageOf(error) };
  }
};

const toCsvElement = (place: { row: number; line: number }, text: string, header: readonly string[]): BulkElement => {
  const cells = splitCells(text);
  if (cells.length === header.length) {
    const input: Record<string, unknown> = {};
    for (let index = 0; index < header.length; index += 1) setOwn(input, header[index] ?? '', cells[index]);
    return { ...place, input };
  }
  return {
    ...place,
    problem: `row ${place.row} (line ${place.line}) has ${cells.length} cells, the header has ${header.length}`,
  };
};

/** The rows of a slice. A record that cannot be read is an element with a problem; empty lines are none. */
export function* expandSlice({
  slice,
  header,
  row: firstRow,
  line: firstLine,
  text,
}: TableSlice): Generator<BulkElement> {
  const bytes = Buffer.from(text);
  const next = TABLE_RECORDS[slice];
  let [row, line, at] = [firstRow, firstLine, 0];
  while (at < bytes.length) {
    const record = next(bytes, at, true);
    if (record === undefined) break;
    const recordText = bytes.toString('utf8', at, record.end);
    const place = slice === 'csv' ? { row, line } : { row: line, line };
    if (recordText.trim() !== '') {
      row += 1;
      const { row: number } = place;
      if (recordText.includes(REPLACEMENT)) yield { row: number, problem: `line ${line} is not UTF-8` };
      else if (record.isBroken)
        yield { ...place, problem: `row ${number} (line ${line}) has a quotation mark that nothing closes` };
      else yield slice === 'csv' ? toCsvElement(place, recordText, header) : toJsonElement(line, recordText);
    }
    line += record.lines;
    at = record.next;
  }
}
