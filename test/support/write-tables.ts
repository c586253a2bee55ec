import { readFile, writeFile } from 'node:fs/promises';
import { scaleTable } from './bulk/scale-table.ts';
import { answersTable } from './monitoring/answers-table.ts';
import { canaryTable } from './monitoring/canary-table.ts';
import { driftsTable } from './monitoring/drifts-table.ts';
import { metricsTable } from './monitoring/metrics-table.ts';

/** `npm run tables` writes the tables of pages that are computed: metrics, and simulations of drifts, of canaries and of bulk runs. */

const writeTable = async (page: string, name: string, table: string): Promise<void> => {
  const block = new RegExp(`(<!-- ${name} -->)[\\s\\S]*(<!-- end of ${name} -->)`);
  const text = await readFile(page, 'utf8');
  await writeFile(
    page,
    text.replace(block, (_block, start: string, end: string) => `${start}\n\n${table}\n\n${end}`),
  );
};

await writeTable('docs/monitoring.md', 'metrics', metricsTable());
await writeTable('docs/monitoring.md', 'drifts', driftsTable());
await writeTable('docs/rollout.md', 'canaries', canaryTable());
await writeTable('docs/rollout.md', 'answers', answersTable());
await writeTable('docs/bulk.md', 'scale', scaleTable());
