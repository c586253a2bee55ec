import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';
import { expectedOf, parseSteps, splitCommand } from '../support/walkthrough.ts';

const DOCUMENT = 'docs/jobs.md';
const JOB = /[0-9a-f]{32}/;
const steps = parseSteps(await readFile(DOCUMENT, 'utf8'));

describe(DOCUMENT, () => {
  let home: string;
  let server: LocalServer;
  let job = '';

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'jobs-walk-through-'));
    await mkdir(join(home, '.local'));
    server = await startWithSamples(join(home, '.local'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  it.each(steps.map((step, index) => [index + 1, step.command, step] as const))(
    'step %i: %s',
    async (_number, command, step) => {
      const ran = await runCli(splitCommand(command.replace('<job>', job), home), { projectDirectory: home });
      const { exitCode, stream, pattern } = expectedOf(step);
      expect(ran).toMatchObject({ exitCode });
      expect(ran[stream]).toMatch(pattern);
      job = JOB.exec(ran.stdout)?.[0] ?? job;
    },
  );

  it('is refused for a directory, for requests of tensors, and for words that it does not know', async () => {
    const run = async (...words: readonly string[]) => (await runCli(words, { projectDirectory: home })).stderr;
    const file = 'models/sentiment/samples/review.txt';
    expect(await run('predict', 'sentiment', file, '--async', '--store', home)).toMatch(/directory .* runs no jobs/);
    expect(await run('predict', 'iris', 'models/iris/samples/flowers.json', '--async', '--version', '9')).toMatch(
      /version 9/,
    );
    expect(await run('jobs', 'show', 'nonsense')).toBe('there is no job nonsense\n');
    expect(await run('jobs', 'wait')).toMatch(/takes the id of a job/);
    expect(await run('jobs', 'list', 'x')).toMatch(/takes nothing behind it/);
    expect(await run('jobs', 'list', '--limit', '0')).toMatch(/"limit" is "0"/);
    expect(await run('webhook', 'create', 'a b')).toMatch(/holder "a b"/);
    expect(await run('webhook', 'revoke', 'x')).toMatch(/there is no secret "x"/);
  });
});
