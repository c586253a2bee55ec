import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';
import { expectedOf, parseScripts, parseSteps, splitCommand } from '../support/walkthrough.ts';

const DOCUMENT = 'docs/monitoring.md';
/** The command that shows what was captured. */
const LOOK = 'monitor sentiment';

const page = await readFile(DOCUMENT, 'utf8');
const steps = parseSteps(page);

describe(DOCUMENT, () => {
  let home: string;
  let server: LocalServer;

  /** Has the functions read the routing again: by requests that are no predictions, since those would be counted. */
  const follow = async (): Promise<void> => {
    for (let request = 0; request < 2; request += 1) {
      await setTimeout(2_500);
      await (await fetch(`${server.endpoint}/v2/models/sentiment`)).text();
    }
    await setTimeout(1_000);
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'monitoring-'));
    await mkdir(join(home, '.local'));
    server = await startWithSamples(join(home, '.local'));
    const [, walkThrough = ''] = /^## A walk-through\n([\s\S]*?)^## /m.exec(page) ?? [];
    const scripts = parseScripts(walkThrough);
    expect(scripts).toHaveLength(1);
    for (const script of scripts)
      await promisify(execFile)('bash', ['-ec', script], { env: { ...process.env, HOME: home } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  it.each(steps.map((step, index) => [index + 1, step.command, step] as const))(
    'step %i: %s',
    async (_number, command, step) => {
      const { exitCode, stream, pattern } = expectedOf(step);
      const run = () => runCli(splitCommand(command, home), { projectDirectory: home });
      let ran = await run();
      // Records are written behind the answers, the last of them, when they are less than 100, after a minute.
      for (let again = 0; again < 120 && command === LOOK && !pattern.test(ran.stdout); again += 1) {
        await setTimeout(1_000);
        ran = await run();
      }
      if (command.includes('--capture')) await follow();
      expect(ran).toMatchObject({ exitCode });
      expect(ran[stream]).toMatch(pattern);
    },
  );
});
