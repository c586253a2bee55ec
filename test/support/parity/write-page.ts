import { readFile, writeFile } from 'node:fs/promises';
import { IMPORT_BLOCK, IMPORT_PAGE, toImportTables } from './imported-tables.ts';
import { PARITY_TABLES, parityBlock, toParityTable } from './parity-tables.ts';

/**
 * `npm run parity:pages` measures every task as its parity test does, and writes the tables of the pages in docs/tasks. The tables of
 * docs/import.md are those of the records in test/fixtures/formats. With the argument `import` it writes these alone.
 */

const importPage = await readFile(IMPORT_PAGE, 'utf8');
const importTables = await toImportTables();
await writeFile(
  IMPORT_PAGE,
  importPage.replace(
    parityBlock(IMPORT_BLOCK),
    (_match, start: string, _rows: string, end: string) => start + importTables + end,
  ),
);
if (process.argv[2] === 'import') process.exit();

for (const [task, tables] of Object.entries(PARITY_TABLES)) {
  const path = `docs/tasks/${task}.md`;
  let page = await readFile(path, 'utf8');
  for (const [name, measure] of Object.entries(tables)) {
    const block = parityBlock(name);
    if (!block.test(page)) throw new Error(`${path} has no place for the parity of ${name}`);
    const table = toParityTable(await measure());
    page = page.replace(block, (_match, start: string, _rows: string, end: string) => start + table + end);
  }
  await writeFile(path, page);
}
