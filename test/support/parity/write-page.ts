import { readFile, writeFile } from 'node:fs/promises';
import { IMPORT_BLOCK, IMPORT_PAGE, toImportTables } from './imported-tables.ts';
import { parityBlock, toParityTable } from './page-bars.ts';
import { PARITY_RECORDS, recordPath } from './parity-records.ts';
import { PARITY_TABLES } from './parity-tables.ts';

/**
 * `npm run parity:pages` measures every task and every importer as its parity test does. It writes the tables of docs/tasks, the records, and
 * the tables of docs/import.md, which are those of the records. With the argument `import` it measures nothing, and writes these alone.
 */

const replaceTable = (page: string, name: string, table: string): string =>
  page.replace(parityBlock(name), (_match, start: string, _rows: string, end: string) => start + table + end);

const isImportAlone = process.argv[2] === 'import';

for (const [task, tables] of isImportAlone ? [] : Object.entries(PARITY_TABLES)) {
  const path = `docs/tasks/${task}.md`;
  let page = await readFile(path, 'utf8');
  for (const [name, measure] of Object.entries(tables)) {
    if (!parityBlock(name).test(page)) throw new Error(`${path} has no place for the parity of ${name}`);
    page = replaceTable(page, name, toParityTable(await measure()));
  }
  await writeFile(path, page);
}

for (const [folder, measure] of isImportAlone ? [] : Object.entries(PARITY_RECORDS))
  await writeFile(recordPath(folder), `${JSON.stringify(await measure(), undefined, 2)}\n`);

await writeFile(IMPORT_PAGE, replaceTable(await readFile(IMPORT_PAGE, 'utf8'), IMPORT_BLOCK, await toImportTables()));
