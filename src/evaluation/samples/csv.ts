import { basename, dirname } from 'node:path';
import { refuse } from '../../core/errors.ts';
import { readCsvRecords } from '../../media/table/csv-records.ts';
import type { Sample } from './sample.ts';
import { toSample } from './to-sample.ts';

const assertHeader = (columns: readonly string[], labelField: string | undefined, name: string): void => {
  if (labelField !== undefined && !columns.includes(labelField))
    refuse('INVALID_INPUT', `${name} has no column "${labelField}"; it has ${columns.join(', ')}`);
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) refuse('INVALID_INPUT', `the header of ${name} has the column "${twice}" twice`);
};

/** The samples of a CSV file with a header, a row for each. @throws `INVALID_INPUT` naming the line */
export async function* readCsvSamples(
  path: string,
  delimiter: string,
  labelField: string | undefined,
): AsyncGenerator<Sample> {
  const name = basename(path);
  let columns: readonly string[] | undefined;
  for await (const { cells, line, endBytes } of readCsvRecords(path, delimiter)) {
    if (columns === undefined) {
      assertHeader(cells, labelField, name);
      columns = cells;
      continue;
    }
    const place = `line ${line} of ${name}`;
    if (cells.length !== columns.length)
      refuse('INVALID_INPUT', `${place} has ${cells.length} values, expected ${columns.length} as the header`);
    const fields = Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
    yield toSample(fields, labelField, dirname(path), { place, endBytes });
  }
}
