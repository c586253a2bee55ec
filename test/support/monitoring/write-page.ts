import { readFile, writeFile } from 'node:fs/promises';
import { metricsTable } from './metrics-table.ts';

/** `npm run monitoring:page` writes the table of metrics into docs/monitoring.md. */

const PAGE = 'docs/monitoring.md';
const BLOCK = /(<!-- metrics -->)[\s\S]*(<!-- end of metrics -->)/;

const page = await readFile(PAGE, 'utf8');
await writeFile(
  PAGE,
  page.replace(BLOCK, (_block, start: string, end: string) => `${start}\n\n${metricsTable()}\n\n${end}`),
);
