import { readFile, writeFile } from 'node:fs/promises';
import { assertionRate, type Figures, measure, quantile } from './figures.ts';
import { drawRooms } from './rooms.ts';
import { readSources } from './sources.ts';

/** `npm run structure` draws the rooms and measures the code, into docs/architecture.md; `-- <folder>` prints that of another checkout. */

const PAGE = 'docs/architecture.md';
const BLOCK = /(<!-- structure -->)[\s\S]*(<!-- end of structure -->)/;

const table = (figures: Figures): string => {
  const { files, lines, fileLines, functionLines, longFunctions, anys } = figures;
  const spread = (values: readonly number[], shares: readonly number[]): string =>
    [...shares.map((share) => quantile(values, share)), Math.max(...values)].join(' / ');
  return [
    '| files | lines | lines of a file: median / p90 / max | lines of a function: median / p90 / p99 / max | functions over 60 lines | `any` | `as` per 1,000 lines |',
    '|---|---|---|---|---|---|---|',
    `| ${files} | ${lines} | ${spread(fileLines, [0.5, 0.9])} | ${spread(functionLines, [0.5, 0.9, 0.99])} | ${longFunctions.length} | ${anys.length} | ${assertionRate(figures).toFixed(1)} |`,
  ].join('\n');
};

const [root] = process.argv.slice(2);
const sources = await readSources(root ?? '.');
const figures = measure(sources);
const block = `${drawRooms(sources)}\n\n${table(figures)}`;
console.log(block);
for (const place of figures.longFunctions) console.log(`over 60 lines: ${place}`);
if (root === undefined) {
  const page = await readFile(PAGE, 'utf8');
  await writeFile(
    PAGE,
    page.replace(BLOCK, (_block, start: string, end: string) => `${start}\n\n${block}\n\n${end}`),
  );
}
