import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';
import { type Ran, runCli } from '../support/command-line.ts';

let home: string;
let server: LocalServer;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'cli-monitor-'));
  await mkdir(join(home, '.local'));
  server = await startLocalServer({ directory: join(home, '.local'), port: 0, onLine: () => {} });
}, 300_000);
afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true });
});

const cli = (...words: string[]): Promise<Ran> => runCli(words, { projectDirectory: home });
const ask = (model: string, inputs: unknown) =>
  fetch(`${server.endpoint}/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });

describe('monitor --capture', () => {
  it('starts with the next request, and shows what was captured', async () => {
    const changed = await cli('monitor', 'iris', '--capture', '100%', '--redact', 'sepal length (cm), time ');
    expect(changed.stdout).toMatch(
      /^iris captures 100 % of the predictions, with features of their inputs, less sepal length \(cm\), time\n/,
    );
    const rows = Array.from({ length: 100 }, () => [5.1, 3.5, 1.4, 0.2]);
    let shown = '';
    for (let attempt = 0; attempt < 100 && !shown.includes('00 records'); attempt += 1) {
      const response = await ask('iris', rows);
      expect(response.headers.get('x-prediction-id')).toMatch(/^\d{8}-1-[0-9a-f]{32}-iris$/);
      await setTimeout(100);
      shown = (await cli('monitor', 'iris', '--capture', '100%')).stdout;
    }
    expect(shown).toMatch(/[1-9]00 records today, in [1-9] objects/);
    expect(JSON.parse((await cli('monitor', 'iris', '--capture', 'off', '--json')).stdout)).toMatchObject({
      ...{ name: 'iris', capture: { share: 0, inputs: 'features' }, today: { damaged: [] } },
    });
  });

  it.each([
    [['monitor', 'iris', '--capture', '110%'], /--capture is 110%, expected a share/],
    [['monitor', 'iris', '--capture', '-1'], /ambiguous|expected a share/],
    [['monitor', 'iris', '--inputs', 'all'], /--inputs is all, expected features, full, none/],
    [['monitor', 'irsi', '--capture', '10%'], /no model irsi[\s\S]*did you mean iris/],
    [['monitor', '../keys', '--capture', '10%'], /is not allowed/],
  ])('%j is refused', async (words, text) => {
    const ran = await cli(...words);
    expect(ran.exitCode).toBeGreaterThan(0);
    expect(ran.stderr).toMatch(text);
    expect(ran.stderr).not.toMatch(/ {4}at /);
  });
});
