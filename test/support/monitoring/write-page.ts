import { readFile, writeFile } from 'node:fs/promises';
import { canaryTable } from './canary-table.ts';
import { metricsTable } from './metrics-table.ts';

/** `npm run monitoring:page` writes the table of metrics into docs/monitoring.md, and that of simulated canaries into docs/rollout.md. */

const writeTable = async (page: string, name: string, table: string): Promise<void> => {
  const block = new RegExp(`(<!-- ${name} -->)[\\s\\S]*(<!-- end of ${name} -->)`);
  const text = await readFile(page, 'utf8');
  await writeFile(
    page,
    text.replace(block, (_block, start: string, end: string) => `${start}\n\n${table}\n\n${end}`),
  );
};

await writeTable('docs/monitoring.md', 'metrics', metricsTable());
await writeTable('docs/rollout.md', 'canaries', canaryTable());
