import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalServer } from '../../local/local-server.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';

let home: string;
let server: LocalServer;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'cli-canary-'));
  await mkdir(join(home, '.local'));
  await mkdir(join(home, 'models'));
  server = await startWithSamples(join(home, '.local'));
  for (let version = 1; version <= 2; version += 1) await cli('push', 'test/fixtures/models/add.onnx');
});
afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true });
});

const cli = (...words: string[]): Promise<Ran> => runCli(words, { projectDirectory: home });

describe('canary --auto', () => {
  it.each([
    [
      'a step that may be a share or a percent',
      ['--auto', '--steps', '0.05,1'],
      2,
      /--steps has 0\.05, expected percents/,
    ],
    ['steps that are no numbers', ['--auto', '--steps', 'a,b'], 2, /--steps has a, expected percents/],
    ['steps that fall', ['--auto', '--steps', '50,25'], 2, /the steps are 50,25, expected percents that rise/],
    ['an empty list of steps', ['--auto', '--steps', ''], 2, /--steps has nothing/],
    ['a time without a unit', ['--auto', '--hold', '30'], 2, /--hold is 30, expected a time such as 90s, 30m/],
    ['a negative time', ['--auto', '--hold=-5m'], 2, /--hold is -5m/],
    [
      'a guard that is not known',
      ['--auto', '--guard', 'errors,speed'],
      2,
      /guard speed is not known, expected errors/,
    ],
    [
      'a guard of answers, none of which are captured',
      ['--auto', '--guard', 'errors,accuracy'],
      1,
      /the guards accuracy and drift look at captured answers, and none are captured/,
    ],
    ['a share of a guard that has none', ['--auto', '--guard', 'errors=5%'], 2, /only disagreement takes a share/],
    [
      'a disagreement that is no share',
      ['--auto', '--guard', 'disagreement=7'],
      2,
      /disagreement is 7, expected a share/,
    ],
    ['all of the requests at once', ['--auto', '--weight', '100%'], 2, /the first weight is 100 %/],
    ['a plan without --auto', ['--weight', '5%', '--hold', '30m'], 2, /--hold needs --auto/],
  ])('refuses %s, and changes nothing', async (_case, options, expected, message) => {
    const before = (await cli('history', 'add', '--json')).json;
    const ran = await cli('canary', 'add', '2', ...options);
    expect(ran.exitCode).toBe(expected);
    expect(ran.stderr).toMatch(message);
    expect((await cli('history', 'add', '--json')).json).toEqual(before);
  });

  it('is refused for a directory, where nothing looks after it', async () => {
    const store = join(home, 'store');
    await runCli(['push', 'test/fixtures/models/add.onnx', '--store', store]);
    const ran = await runCli(['canary', 'add', '1', '--auto', '--store', store]);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--auto needs the function monitor') });
  });

  it('writes the plan, which a weight given by a person ends', async () => {
    const options = [
      '--auto',
      '--weight',
      '1%',
      '--hold',
      '10m',
      '--guard',
      'errors,disagreement=20%',
      '--callers',
      'a,b',
    ];
    const { json } = await cli('canary', 'add', '2', ...options, '--json');
    expect(json).toMatchObject({
      routing: {
        shadow: { version: 2 },
        canary: {
          ...{ version: 2, weight: 0.01 },
          plan: { steps: [0.01, 0.05, 0.25, 0.5, 1], holdMs: 600_000, callers: ['a', 'b'], disagreement: 0.2 },
        },
      },
    });
    const manual = await cli('canary', 'add', '2', '--weight', '2%');
    expect(manual.stdout).toContain('canary 2 at 1 % (by itself to 100 %) → 2 at 2 %');
    expect((await cli('show', 'add', '--json')).json).toMatchObject({ name: 'add' });
  });
});
