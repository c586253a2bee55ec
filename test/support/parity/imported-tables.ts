import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParityRow } from './parity-row.ts';

/** The page of imported models, and the name in the markers of its tables. */
export const IMPORT_PAGE = 'docs/import.md';
export const IMPORT_BLOCK = 'imported models';

const FOLDER = 'test/fixtures/formats';
const RECORD = 'parity.json';

/** Comparisons that the page shows in one line. */
interface Line {
  readonly models: number;
  readonly row: ParityRow;
}

/** A difference as a number, for its order: `identical` is none. */
const sizeOf = (worst: string): number => (worst === 'identical' ? 0 : Number(worst));

/** Models of one library and version, whose names begin alike up to a comma, are one line with the largest of their differences. */
const toLines = (rows: readonly ParityRow[]): Line[] => {
  const groups = Map.groupBy(rows, ({ model, compared, bar }) => [model.split(',')[0], compared, bar].join('|'));
  return [...groups.values()].flatMap((members) => {
    const [worst] = [...members].sort((a, b) => sizeOf(b.worst) - sizeOf(a.worst));
    if (worst === undefined) return [];
    const inputs = Math.min(...members.map((row) => row.inputs));
    return { models: members.length, row: { ...worst, inputs, model: worst.model.split(',')[0] ?? '' } };
  });
};

const toTable = (folder: string, rows: readonly ParityRow[]): string =>
  [
    `${rows.length} comparisons of [${FOLDER}/${folder}/${RECORD}](../${FOLDER}/${folder}/${RECORD}):`,
    '',
    '| library or model | models | rows of each, at least | compared | worst | bar |',
    '|---|---:|---:|---|---|---|',
    ...toLines(rows).map(
      ({ models, row: { model, inputs, compared, worst, bar } }) =>
        `| ${model} | ${models} | ${inputs} | ${compared} | ${worst} | ${bar} |`,
    ),
    '',
  ].join('\n');

/** Folders of libraries whose tests have recorded their differences. */
export const recordedFolders = async (): Promise<string[]> => {
  const paths = await readdir(FOLDER, { recursive: true });
  return paths.flatMap((path) => (path.endsWith(`/${RECORD}`) ? [path.slice(0, -RECORD.length - 1)] : [])).sort();
};

/** The tables of all records, which the tests of the libraries hold. */
export const toImportTables = async (): Promise<string> => {
  const folders = await recordedFolders();
  const tables = await Promise.all(
    folders.map(async (folder) => {
      const rows = JSON.parse(await readFile(join(FOLDER, folder, RECORD), 'utf8')) as ParityRow[];
      return toTable(folder, rows);
    }),
  );
  return tables.join('\n');
};
