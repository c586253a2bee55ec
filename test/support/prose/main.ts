import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { countFindings, genres, RECORD, readRecord, type SurveyedFile, surveyProject } from './project.ts';

/** Counts what makes docstrings and Markdown hard to read; `--list` prints every finding, `--record` lowers the record. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { list: { type: 'boolean' }, record: { type: 'boolean' } } });
  const files = await surveyProject();
  if (values.record) await lowerRecord(files);
  else if (values.list) printFindings(files);
  else printTables(files);
}

async function lowerRecord(files: readonly SurveyedFile[]): Promise<void> {
  const record = await readRecord();
  const lowered = genres.map((genre) => {
    const counts = countFindings(files.filter((file) => file.genre === genre));
    const entries = Object.entries(counts).map(([kind, count]) => [
      kind,
      Math.min(count, record[genre][kind as keyof typeof counts]),
    ]);
    return [genre, Object.fromEntries(entries)];
  });
  await writeFile(RECORD, `${JSON.stringify(Object.fromEntries(lowered), undefined, 2)}\n`);
}

function printFindings(files: readonly SurveyedFile[]): void {
  for (const { path, findings } of files) {
    for (const { line, kind, text } of findings) console.log(`${path}:${line}  ${kind}  ${text}`);
  }
}

function printTables(files: readonly SurveyedFile[]): void {
  for (const genre of genres) {
    const own = files.filter((file) => file.genre === genre);
    printTable(`${genre}, by file`, own, ({ path }) => path);
    printTable(`${genre}, by folder`, own, ({ path }) => path.split('/').slice(0, -1).slice(0, 2).join('/') || '.');
    printTable(genre, own, () => 'all');
  }
}

function printTable(title: string, files: readonly SurveyedFile[], nameOf: (file: SurveyedFile) => string): void {
  const rows = [...Map.groupBy(files, nameOf)].map(([name, group]) => ({ name, ...row(group) }));
  const worst = rows
    .filter((one) => one.opening + one['long sentence'] + one['long line'] > 0)
    .toSorted((a, b) => b.opening + b['long sentence'] - a.opening - a['long sentence']);
  console.log(title);
  console.table(Object.fromEntries(worst.map(({ name, ...figures }) => [name, figures])));
}

function row(files: readonly SurveyedFile[]) {
  const sentences = files.reduce((sum, file) => sum + file.sentences, 0);
  const counts = countFindings(files);
  return { sentences, ...counts, 'openings, %': Number(((100 * counts.opening) / Math.max(1, sentences)).toFixed(1)) };
}

await main();
