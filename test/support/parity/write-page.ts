import { readFile, writeFile } from 'node:fs/promises';
import { PARITY_RECORDS, recordPath } from './parity-records.ts';
import { PARITY_TABLES, parityBlock, toParityTable } from './parity-tables.ts';

/** `npm run parity:pages` measures every task and every importer as its parity test does. It writes the tables of docs/tasks and the records. */

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

for (const [folder, measure] of Object.entries(PARITY_RECORDS))
  await writeFile(recordPath(folder), `${JSON.stringify(await measure(), null, 2)}\n`);
