import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parquetReadObjects } from 'hyparquet';
import type { LocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';
import { expectedOf, parseSteps, splitCommand } from '../support/walkthrough.ts';

const DOCUMENT = 'docs/bulk.md';
const steps = parseSteps(await readFile(DOCUMENT, 'utf8'));

describe(DOCUMENT, () => {
  let home: string;
  let server: LocalServer;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'bulk-walk-through-'));
    await mkdir(join(home, '.local'));
    server = await startWithSamples(join(home, '.local'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  const run = (...words: string[]) => runCli(words, { projectDirectory: home });
  const json = async (...words: string[]) =>
    JSON.parse((await run(...words, '--json')).stdout) as Record<string, unknown>;

  it.each(steps.map((step, index) => [index + 1, step.command, step] as const))(
    'step %i: %s',
    async (_number, command, step) => {
      const ran = await run(...splitCommand(command, home));
      const { exitCode, stream, pattern } = expectedOf(step);
      expect(ran).toMatchObject({ exitCode });
      expect(ran[stream]).toMatch(pattern);
    },
  );

  it('goes on after a cancellation, and has each of 5,000 elements once', async () => {
    const path = join(home, 'many.jsonl');
    const lines = Array.from({ length: 5_000 }, (_, index) =>
      JSON.stringify([5 + (index % 3), 3, 1 + (index % 5), 0.2]),
    );
    lines[1_234] = 'no JSON';
    lines[4_321] = '[1, 2]';
    await writeFile(path, lines.join('\n'));
    await run('batch', 'iris', path, '--to', 'many', '--chunk', '50', '--yes', '--detach');
    const cancelled = await json('batch', 'cancel', 'many');
    expect(Number(cancelled.succeeded)).toBeLessThan(4_998);

    expect(await json('batch', 'resume', 'many')).toMatchObject({
      ...{ status: 'is complete', chunks: { done: 100, total: 100 }, succeeded: 4_998, failed: 2 },
      reasons: { INVALID_INPUT: 2 },
    });
    expect(await json('batch', 'retry-failed', 'many')).toMatchObject({ name: 'many-retry', elements: 2, failed: 2 });

    // A retry that was interrupted before its plan plans the failures, too.
    const documentOf = (name: string) => `${server.s3Endpoint}/data/bulk/${name}/run.json`;
    const retry: object = JSON.parse(await (await fetch(documentOf('many-retry'))).text());
    const put = { method: 'PUT', body: JSON.stringify({ ...retry, name: 'again' }) };
    expect((await fetch(documentOf('again'), put)).status).toBe(200);
    expect(await json('batch', 'resume', 'again')).toMatchObject({ elements: 2, failed: 2, status: 'is complete' });
  });

  it('has each row of a large table once, with its columns, around rows that are broken', async () => {
    const path = join(home, 'table.csv');
    const rows = Array.from({ length: 30_000 }, (_, index) => `f${index},"a ""note"",\nof two lines",5.1,3.5,1.4,0.2`);
    rows[12_345] = 'x,"open,5.1,3.5,1.4,0.2';
    rows[23_456] = 'x,short';
    const header = 'id,note,sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)';
    await writeFile(path, `${header}\n${rows.join('\n')}\n`);
    const words = ['--to', 'rows', '--chunk', '7000', '--join', 'id,note', '--format', 'parquet', '--yes'];
    expect(await json('batch', 'iris', path, ...words)).toMatchObject({
      ...{ status: 'is complete', succeeded: 29_998, failed: 2, chunks: { done: 5, total: 5 } },
    });

    const read = async (key: string) =>
      new Uint8Array(await (await fetch(`${server.s3Endpoint}/data/${key}`)).arrayBuffer());
    const failures = Buffer.from(await read('bulk/rows/failures.jsonl')).toString();
    expect(failures).toMatch(
      /"row 12346 \(line 24692\) has a quotation mark.*\n.*"row 23457 \(line 46913\) has 2 cells/,
    );
    const ids: unknown[] = [];
    for (let chunk = 0; chunk < 5; chunk += 1) {
      const file = (await read(`bulk/rows/results/0000000${chunk}.parquet`)).buffer;
      for (const row of await parquetReadObjects({ file })) ids.push(row.id);
    }
    expect(ids).toEqual(rows.flatMap((_, index) => ([12_345, 23_456].includes(index) ? [] : [`f${index}`])));
  });

  it('is stopped when too many elements fail', async () => {
    const path = join(home, 'wrong.jsonl');
    await writeFile(path, '[1]\n'.repeat(150));
    const { stderr, exitCode } = await run('batch', 'iris', path, '--to', 'wrong', '--chunk', '1', '--yes');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the run (was stopped|is over): \d+ failed, more than 1 % of 150 elements/);
    expect(await json('batch', 'resume', 'wrong', '--max-failures', '100%')).toMatchObject({
      ...{ status: 'is complete', succeeded: 0, failed: 150 },
    });
  });

  it('fails when too many elements have failed, however fast the run ended', async () => {
    const path = join(home, 'one-chunk.jsonl');
    await writeFile(path, '[1]\n'.repeat(3));
    const { stderr, exitCode } = await run('batch', 'iris', path, '--to', 'one', '--max-failures', '7%', '--yes');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/: 3 failed, more than 7 % of 3 elements; bulk\/one\/failures.jsonl has the reasons/);
    expect(await json('batch', 'status', 'one')).toMatchObject({ failed: 3, succeeded: 0 });
  });

  it('refuses what it cannot run', async () => {
    const flowers = 'models/iris/samples/flowers.csv';
    const refusal = async (...words: string[]) => (await run('batch', ...words)).stderr;
    expect(await refusal('iris', flowers)).toMatch(/the run needs a name/);
    expect(await refusal('iris', flowers, '--to', '../x')).toMatch(/the run is called "..\/x"/);
    expect(await refusal('iris', flowers, '--to', 'uploads/iris/answers')).toMatch(/the run is called "uploads\//);
    expect(await refusal('iris', 's3://data/bulk/', '--to', 'x')).toMatch(/expected a prefix below uploads/);
    expect(await refusal('iris', flowers, '--to', 'x', '--chunk', '0')).toMatch(/--chunk 0, expected a number/);
    expect(await refusal('iris', flowers, '--to', 'x', '--max-failures', '101%')).toMatch(/expected a percentage/);
    expect(await refusal('iris', flowers, '--to', 'x', '--format', 'csv')).toMatch(/expected jsonl.gz or parquet/);
    expect(await refusal('iris', flowers, '--to', 'x', '--join', 'a,a')).toMatch(
      /expected the names of columns, each once/,
    );
    expect(await refusal('iris', flowers, '--to', 'x', '--join', '"a')).toMatch(/--join "a, expected the names/);
    expect(await refusal('iris', flowers, '--to', 'x', '--join', 'answer')).toMatch(/and none of key, row, answer/);
    expect(await refusal('iris', flowers, '--to', 'x', '--join', 'id')).toMatch(/--join names the column "id", and/);
    expect(await refusal('iris', 'uploads/none.csv', '--to', 'x')).toMatch(/uploads\/none.csv does not exist/);
    expect(await refusal('iris', 'bulk/flowers/results/', '--to', 'x')).toMatch(/expected a prefix below uploads/);
    expect(await refusal('iris', 'none.csv', '--to', 'x')).toMatch(/there is no file none.csv/);
    expect(await refusal('iris', 'uploads/nothing/', '--to', 'x', '--yes')).toMatch(/has no elements/);
    expect(await refusal('iris', 'uploads/none/', '--to', 'x', '--yes')).toMatch(/has no elements/); // and takes no name
    expect(await refusal('nobody', flowers, '--to', 'x')).toMatch(/nobody/);
    expect(await refusal('iris', flowers, '--to', 'asked')).toMatch(
      /there is no terminal to ask at; say so with --yes/,
    );
    expect(await refusal('status', 'none')).toMatch(/there is no run none/);
    expect(await refusal('retry-failed', 'flowers')).toMatch(/has no failures/);
    expect(await refusal('resume', 'flowers', '--chunk', '5')).toMatch(
      /batch resume takes no --chunk: a run keeps what it was begun with/,
    );
    expect(await refusal('status', 'x', '--store', home)).toMatch(/has no runs/);
  });
});
