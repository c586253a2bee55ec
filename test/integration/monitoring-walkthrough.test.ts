import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';
import { expectedOf, parseSteps, splitCommand } from '../support/walkthrough.ts';

const DOCUMENT = 'docs/monitoring.md';

const steps = parseSteps(await readFile(DOCUMENT, 'utf8'));

describe(DOCUMENT, () => {
  let home: string;
  let server: LocalServer;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'monitoring-'));
    await mkdir(join(home, '.local'));
    server = await startLocalServer({ directory: join(home, '.local'), port: 0, onLine: () => {} });
    // What its shell commands make.
    for (const [name, data] of Object.entries({ phones: 'amazon_cells', films: 'imdb' }))
      await writeFile(
        join(home, `${name}.tsv`),
        `text\tlabel\n${await readFile(`models/sentiment/data/${data}_labelled.txt`, 'utf8')}`,
      );
  }, 300_000);
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  it.each(steps.map((step, index) => [index + 1, step.command, step] as const))(
    'step %i: %s',
    async (_number, command, step) => {
      const { exitCode, stream, pattern } = expectedOf(step);
      const ran = await runCli(splitCommand(command, home), { projectDirectory: home });
      if (command.includes('--capture') || command.includes('evaluate')) await setTimeout(2_500); // the functions follow
      expect(ran).toMatchObject({ exitCode });
      expect(ran[stream]).toMatch(pattern);
    },
    120_000,
  );
});
