import { readFile, writeFile } from 'node:fs/promises';
import { answersTable } from './answers-table.ts';
import { canaryTable } from './canary-table.ts';
import { driftsTable } from './drifts-table.ts';
import { metricsTable } from './metrics-table.ts';

/** `npm run monitoring:page` writes the tables of metrics and of simulated drifts into docs/monitoring.md, those of simulated canaries into docs/rollout.md. */

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
