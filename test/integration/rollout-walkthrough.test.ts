import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';
import { expectedOf, parseSteps, splitCommand } from '../support/walkthrough.ts';

const DOCUMENT = 'docs/rollout.md';

const steps = parseSteps(await readFile(DOCUMENT, 'utf8'));

describe(DOCUMENT, () => {
  let home: string;
  let server: LocalServer;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'walk-through-'));
    await mkdir(join(home, '.local'));
    server = await startWithSamples(join(home, '.local'));
    // What its openssl commands make.
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await writeFile(join(home, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(home, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  it('has commands', () => {
    expect(steps.length).toBeGreaterThan(15);
  });

  it.each(steps.map((step, index) => [index + 1, step.command, step] as const))(
    'step %i: %s',
    async (_number, command, step) => {
      const ran = await runCli(splitCommand(command, home), { projectDirectory: home });

      const { exitCode, stream, pattern } = expectedOf(step);
      expect(ran).toMatchObject({ exitCode });
      expect(ran[stream]).toMatch(pattern);
    },
  );
});
