import { writeFile } from 'node:fs/promises';
import { CHART, PAGE, toPage } from './page.ts';
import { readRecord } from './record.ts';

/* Writes docs/choosing.md and its chart from the recorded measurements: `npm run choosing:page`. */

const { page, chart } = toPage(await readRecord());
await writeFile(PAGE, page);
await writeFile(CHART, chart);
