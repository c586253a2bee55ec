import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Ran, runCli } from '../support/command-line.ts';

const HELD_OUT = 'models/sentiment/held-out.tsv';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cli-advise-'));
  for (const model of ['iris', 'sentiment'])
    expect(await runCli(['push', `models/${model}`, '--store', join(root, 'store')])).toMatchObject({ exitCode: 0 });
});
afterAll(() => rm(root, { recursive: true }));

const cli = (...words: string[]): Promise<Ran> => runCli([...words, '--store', join(root, 'store')]);
const advise = (...words: string[]): Promise<Ran> => cli('advise', 'sentiment', '--data', HELD_OUT, ...words);
/** A model that is measured in a moment. */
const adviseQuick = (...words: string[]): Promise<Ran> => cli('advise', 'iris', ...words);

describe('advise', () => {
  it('computes every size and architecture, says which is cheapest, and compares services', async () => {
    const { exitCode, stdout } = await advise('--requests-per-day', '100000', '--burst', '20');

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toMatch(/^sentiment on 64 samples of models\/sentiment\/held-out\.tsv\n/);
    expect(stdout).toMatch(/\n512 MB +\S+ ms +\S+ ms +█+ +\d+ ms +\$\d+\.\d\d +\$\d+\.\d\d\*\n/);
    expect(stdout).toMatch(/\n10240 MB /);
    expect(stdout).toMatch(/\nCheapest: version 1 on \d+ MB of (x86_64|arm64): p95 /);
    expect(stdout).toMatch(/\n100,000 requests a day, 20 a second at most:\n/);
    expect(stdout).toMatch(/\nAWS Fargate behind a load balancer\* /);
    expect(stdout).toMatch(/\n\* not measured: /);
  });

  it('exits with 3 when no function keeps the limits, and names the nearest', async () => {
    const { exitCode, stdout } = await adviseQuick('--p95', '0.0001', '--cold', '2000');
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(
      /No function keeps a p95 of 0\.0001 ms and a cold start of 2000 ms\. The closest is version /,
    );
  });

  it('says that a blank input was measured when there are no samples', async () => {
    const { stdout } = await adviseQuick();
    expect(stdout).toMatch(/^iris on a blank input; --data names samples\n/);
  });

  it('takes prices, and says which of the table are old', async () => {
    const now = Date.now;
    const inTwoYears = jest.spyOn(Date, 'now').mockImplementation(() => now() + 2 * 366 * 24 * 3600 * 1000);
    const cheap = await adviseQuick(
      '--price',
      'lambda.x86_64=0',
      '--price',
      'lambda.arm64=0',
      '--price',
      'cloud-run.gib=1',
      '--json',
    );
    expect(Object(cheap.json).choice.dollarsPerMillion).toBe(0.2);
    expect(Object(cheap.json).oldPrices).not.toContain('cloud-run.gib');
    expect(Object(cheap.json).oldPrices).toContain('cloud-run.vcpu');
    expect((await adviseQuick()).stdout).toMatch(
      /Prices last seen more than a year ago; look them up, and give --price <name>=<dollars>:\n {2}\S/,
    );
    inTwoYears.mockRestore();
  });

  it('draws charts', async () => {
    const path = join(root, 'chart.svg');
    expect((await adviseQuick('--svg', path)).stdout).toContain(`Wrote ${path}`);
    const chart = await readFile(path, 'utf8');
    expect(chart).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(chart).not.toMatch(/NaN|Infinity/);
    expect(chart.match(/<polyline /g)?.length).toBeGreaterThan(6);
  });

  describe('--write', () => {
    let project: string;
    beforeAll(async () => {
      project = join(root, 'project');
      await mkdir(project);
      await cp('serverless.yml', join(project, 'serverless.yml'));
    });
    const write = (options: { readonly answer?: string }, ...words: string[]): Promise<Ran> =>
      runCli(['advise', 'iris', '--write', ...words, '--store', join(root, 'store')], {
        ...options,
        projectDirectory: project,
      });
    const read = (): Promise<string> => readFile(join(project, 'serverless.yml'), 'utf8');

    it('shows the difference, and writes nothing without a yes', async () => {
      const before = await read();
      const { exitCode, stderr } = await write({ answer: 'n\n' });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/serverless\.yml, params\.default:\n- {4}memory: 1769\n\+ {4}memory: \d+\n/);
      expect(stderr).toMatch(/nothing was written\n$/);
      const unasked = await write({});
      expect(unasked.stderr).toMatch(/there is no terminal to ask at; say so with --yes/);
      expect(await read()).toBe(before);
    });

    it('writes the parameters of the choice, once', async () => {
      const { exitCode, stdout } = await write({ answer: 'y\n' });
      expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
      const memoryMb = /Cheapest: version \d on (\d+) MB/.exec(stdout)?.[1];
      expect(await read()).toContain(`\n    memory: ${memoryMb}\n`);
      expect(stdout).toContain('The next deployment takes it: npx sls deploy');
    });
  });

  it.each([
    ['a limit that is no number', ['--p95', 'fast'], 2, /--p95 is fast, expected milliseconds such as 200/],
    ['a limit of nothing', ['--cold', '0'], 2, /--cold is 0, expected milliseconds/],
    ['negative traffic', ['--requests-per-day=-5'], 2, /--requests-per-day is -5, expected a number of requests/],
    [
      'a burst below the mean',
      ['--requests-per-day', '864000', '--burst', '2'],
      2,
      /--burst is 2, less than the mean of 10 /,
    ],
    ['an unknown price', ['--price', 'gpu=1'], 2, /--price is gpu=1, expected <name>=<dollars> with one of/],
    ['sizes without a deployment', ['--memory', '512'], 2, /--memory needs --deployed/],
    [
      'sizes that Lambda has not',
      ['--memory', '64', '--deployed'],
      2,
      /--memory has 64, expected MB from 128 to 10240/,
    ],
    ['a deployment without a stage', ['--deployed'], 2, /--deployed needs --stage <stage>/],
    ['data that is not there', ['--data', 'nowhere.jsonl'], 1, /there is no file or folder nowhere\.jsonl/],
    [
      'samples of another task',
      ['--data', 'models/efficientnet-lite0/samples'],
      1,
      /no sample is one that the task text-classification answers; .*chelsea\.jpg: the text is not UTF-8/,
    ],
    ['a version that is not there', ['--version', '99'], 1, /has no version 99/],
    ['a chart in no folder', ['--svg', 'nowhere/chart.svg'], 1, /--svg nowhere\/chart\.svg cannot be written: ENOENT/],
  ])('refuses %s', async (_name, words, expected, message) => {
    const ran = await cli('advise', 'sentiment', ...words);
    expect(ran.exitCode).toBe(expected);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toMatch(/\n {4}at /);
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    const scratch = join(root, 'tmp');
    await mkdir(scratch);
    const words = ['cli/main.ts', 'advise', 'sentiment', '--data', HELD_OUT, '--store', join(root, 'store')];
    const child = spawn(process.execPath, words, {
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const isAtWork = async (): Promise<boolean> => (await readdir(scratch)).some((name) => name.startsWith('advise-'));
    while (!(await isAtWork())) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const [exitCode] = await once(child, 'close');
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 130,
      stderr: expect.stringContaining('Interrupted. Nothing was written.'),
    });
    expect((await readdir(scratch)).filter((name) => name.startsWith('advise-'))).toEqual([]);
  });
});
