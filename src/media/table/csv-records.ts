import { createReadStream } from 'node:fs';
import { type Info, parse } from 'csv-parse';
import { ServingError } from '../../core/errors.ts';

/** A record of a CSV file. */
export interface CsvRecord {
  readonly cells: readonly string[];
  /** Line in which it ends, from 1. */
  readonly line: number;
  /** Bytes of the file up to its end. */
  readonly endBytes: number;
}

/** Most characters of a record, as for CSV in requests. */
const MAX_RECORD_CHARACTERS = 1_000_000;

/**
 * The records of a CSV file in UTF-8, its header first, one after the other: of any number of rows without holding them all.
 * @param delimiter one character
 * @throws `INVALID_INPUT` naming the line
 */
export async function* readCsvRecords(path: string, delimiter: string): AsyncGenerator<CsvRecord> {
  const parser = parse({
    delimiter,
    quote: delimiter === '\t' ? null : '"', // values of tab-separated files have quotes as they are
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_CHARACTERS,
  });
  const file = createReadStream(path);
  file.on('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of file.pipe(parser) as AsyncIterable<{ record: string[]; info: Info }>)
      yield { cells: record, line: info.lines, endBytes: info.bytes };
  } catch (error) {
    throw new ServingError('INVALID_INPUT', `${path} is no CSV: ${ServingError.from(error).message}`, { cause: error });
  } finally {
    file.destroy();
  }
}
