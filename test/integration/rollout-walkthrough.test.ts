import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { runCli } from '../support/command-line.ts';

const DOCUMENT = 'docs/rollout.md';
const PROGRAM = 'npx onnx-serverless ';

interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands of the `console` blocks, each with what it prints. */
const parseSteps = (document: string): Step[] =>
  [...document.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .filter((text) => text !== '')
      .map((text) => {
        const [command = '', ...output] = text.trim().split('\n');
        return { command, output };
      }),
  );

/** As a shell splits it. */
const split = (command: string, home: string): string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare.replace(/^~/, home));

/** `…` stands for anything, on a line of its own for any lines; how wide a column is does not matter. */
const toPattern = (output: readonly string[]): RegExp => {
  const lines = output.map((line) =>
    line === '…'
      ? '[\\s\\S]*'
      : line
          .split('…')
          .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/ +/g, '\\s+'))
          .join('.*'),
  );
  return new RegExp(`^\\s*${lines.join('\\s*\\n\\s*')}\\s*$`);
};

const steps = parseSteps(await readFile(DOCUMENT, 'utf8'));

describe(DOCUMENT, () => {
  let home: string;
  let server: LocalServer;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'walk-through-'));
    await mkdir(join(home, '.local'));
    server = await startLocalServer({ directory: join(home, '.local'), port: 0, onLine: () => {} });
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
    for (const { command, output } of steps) {
      expect(command).toMatch(PROGRAM);
      expect(output).not.toEqual([]);
    }
  });

  it.each(steps.map((step, index) => [index + 1, step.command, step] as const))(
    'step %i: %s',
    async (_number, _command, { command, output }) => {
      const ran = await runCli(split(command.slice(PROGRAM.length), home), { projectDirectory: home });

      const [first = '', ...rest] = output;
      const isRefused = first.startsWith('! ');
      expect(ran).toMatchObject({ exitCode: isRefused ? 1 : 0 });
      expect(isRefused ? ran.stderr : ran.stdout).toMatch(toPattern([first.replace(/^! /, ''), ...rest]));
    },
  );
});
