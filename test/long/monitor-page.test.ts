import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { LocalServer } from '../../local/local-server.ts';
import { findChromium, openPage, startChromium } from '../support/chromium.ts';
import { runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';

/** The page of the models in a browser: at `/monitor` of `npm start`, and as the file that `monitor --html` writes. */

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const [SETOSA, VIRGINICA] = [
  [5.1, 3.5, 1.4, 0.2],
  [6.3, 3.3, 6.0, 2.5],
];

const executable = findChromium();

(executable === undefined ? describe.skip : describe)('the page of the models', () => {
  let home: string;
  let server: LocalServer;
  let browser: Browser;
  const problems: string[] = [];
  const report = (): string => join(home, 'report.html');

  const cli = async (...words: string[]): Promise<void> => {
    const { exitCode, stderr } = await runCli(words, { projectDirectory: home });
    if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  };
  const post = async (path: string, body: unknown): Promise<Response> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.endpoint}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    return response;
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'monitor-page-'));
    await mkdir(join(home, '.local'));
    server = await startWithSamples(join(home, '.local'));
    await cli('monitor', 'iris', '--capture', '100%');
    // Functions follow the settings, and write behind their answers.
    for (let captured = false; !captured; ) {
      const inputs = [...new Array(100).keys()].map((index) => (index % 2 === 0 ? SETOSA : VIRGINICA));
      const id = (await post('/models/iris', { inputs })).headers.get('x-prediction-id');
      await post(
        '/feedback',
        [0, 1, 2, 3].map((row) => ({ id, row, label: 'setosa' })),
      );
      captured = (await runCli(['monitor', 'iris', '--baseline', '7d'], { projectDirectory: home })).exitCode === 0;
    }
    await cli('alias', 'iris', 'tried', '1');
    await cli('monitor', 'iris', '--html', report());
    browser = await startChromium(executable ?? '');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await rm(home, { recursive: true, force: true });
  });

  const open = async (address: string, colorScheme: 'dark' | 'light', width = 1_000): Promise<Page> => {
    const page = await openPage(browser, { viewport: { width, height: 800 }, colorScheme });
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('request', (request) => {
      if (request.url() !== address) problems.push(request.url());
    });
    await page.goto(address);
    return page;
  };
  const problemsOfAxe = async (page: Page): Promise<unknown> => {
    await page.evaluate(await readFile(AXE, 'utf8'));
    return page.evaluate(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))',
    );
  };
  const addressOf = (place: string): string =>
    place === 'npm start' ? `${server.metricsEndpoint}/monitor` : pathToFileURL(report()).href;

  it.each([
    ['npm start', 'light'],
    ['npm start', 'dark'],
    ['monitor --html', 'light'],
    ['monitor --html', 'dark'],
  ] as const)('of %s shows its charts, %s, and axe finds nothing', async (place, colorScheme) => {
    const page = await open(addressOf(place), colorScheme);
    const section = page.locator('section#iris');
    const text = (await section.textContent())?.toLowerCase();
    for (const part of ['requests', 'latency', 'label', 'drift', 'accuracy', 'right labels by rows', 'roll-out'])
      expect(text).toContain(part);
    const sizes = await section
      .locator('svg')
      .evaluateAll((charts) => charts.map(({ clientWidth }) => clientWidth > 50));
    expect(sizes.length).toBeGreaterThan(5);
    expect(sizes).not.toContain(false);
    expect(await problemsOfAxe(page)).toEqual([]);
    await page.close();
    expect(problems).toEqual([]);
  });

  it('opens the numbers of a chart by the keyboard, and fits a phone', async () => {
    const page = await open(addressOf('monitor --html'), 'light', 360);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    const focused = 'document.activeElement.tagName';
    for (let stop = 0; stop < 40 && (await page.evaluate(focused)) !== 'SUMMARY'; stop += 1)
      await page.keyboard.press('Tab');
    expect(await page.evaluate(focused)).toBe('SUMMARY');
    const isOpen = 'document.activeElement.parentElement.open';
    expect(await page.evaluate(isOpen)).toBe(false);
    await page.keyboard.press('Enter');
    expect(await page.evaluate(isOpen)).toBe(true);
    await page.close();
  });
});
