import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalServer } from '../../local/local-server.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';

let home: string;
let server: LocalServer;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'cli-monitor-'));
  await mkdir(join(home, '.local'));
  server = await startWithSamples(join(home, '.local'));
});
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

describe('monitor --baseline', () => {
  it('makes a baseline of samples that the model answers, against which captures are judged', async () => {
    const made = await cli('monitor', 'sentiment', '--baseline', 'models/sentiment/held-out.tsv');
    expect(made.stdout).toMatch(/^sentiment version 1 has a baseline of 594 samples: characters, script, tokens/);
    await cli('monitor', 'sentiment', '--capture', '100%');
    const texts = Array.from({ length: 100 }, (_, index) => `select column_${index} from table where id = ${index};`);
    let shown = '';
    for (let attempt = 0; attempt < 100 && !shown.includes('judged against'); attempt += 1) {
      expect((await ask('sentiment', texts)).status).toBe(200);
      await setTimeout(100);
      shown = (await cli('monitor', 'sentiment')).stdout;
    }
    expect(shown).toMatch(/judged against 594: drift\n *FEATURE +VERDICT/);
    expect(shown).toMatch(/\n *characters +drift +values/);
    const { drift } = JSON.parse((await cli('monitor', 'sentiment', '--json')).stdout);
    expect(drift).toMatchObject({ baseline: { samples: 594 }, judgement: { verdict: 'drift' } });
  });

  it('makes a baseline of captures', async () => {
    const made = await cli('monitor', 'sentiment', '--baseline', '7d');
    expect(made.stdout).toMatch(/^sentiment version 1 has a baseline of \d00 samples/);
  });

  it('writes the page of the model, which the local server shows, too', async () => {
    const path = join(home, 'report.html');
    expect((await cli('monitor', 'sentiment', '--html', path)).stdout).toBe(`Wrote ${path}\n`);
    const page = await fetch(`${server.metricsEndpoint}/monitor`);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    for (const html of [await readFile(path, 'utf8'), await page.text()]) {
      expect(html).toContain('<section id="sentiment">');
      expect(html).toContain('aria-label="characters: ');
    }
  });

  it('shows the accuracy by feedback', async () => {
    const response = await ask(
      'sentiment',
      Array.from({ length: 100 }, () => 'I love it.'),
    );
    const id = response.headers.get('x-prediction-id');
    const lines = Array.from({ length: 100 }, (_, row) => ({ id, row, label: row < 80 ? 'POSITIVE' : 'NEGATIVE' }));
    const body = JSON.stringify(lines);
    const told = await fetch(`${server.endpoint}/feedback`, { method: 'POST', body });
    expect(await told.json()).toEqual({ accepted: 100, refused: 0, problems: [] });
    const labelled = /stable +100 of \d+ .* 80 % \(71.1 % to 86.7 %\)/;
    let shown = '';
    for (let attempt = 0; attempt < 100 && !labelled.test(shown); attempt += 1) {
      await setTimeout(100); // the captures are written behind the answer
      shown = (await cli('monitor', 'sentiment')).stdout;
    }
    expect(shown).toMatch(labelled);
  });

  it.each([
    [['monitor', 'sentiment', '--baseline', 'missing.csv'], /there is no file or folder missing\.csv/],
    [['monitor', 'iris', '--baseline', '7d'], /the baseline has 0 samples, at least 200/],
    [['monitor', 'iris', '--baseline', 'models/sentiment/held-out.tsv'], /./],
    [['monitor', 'irsi', '--baseline', '7d'], /no model irsi/],
    [['monitor', 'iris', '--html', 'missing/report.html'], /^missing\/report\.html cannot be written \(ENOENT\)/],
  ])('%j is refused', async (words, text) => {
    const ran = await cli(...words);
    expect(ran.exitCode).toBeGreaterThan(0);
    expect(ran.stderr).toMatch(text);
    expect(ran.stderr).not.toMatch(/ {4}at /);
  });
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
    [['monitor', 'iris', '--capture', '10%', '--baseline', '7d'], /three commands: ask for one/],
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
