import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findChromium } from '../support/chromium.ts';
import { startPage, type TriedPage } from '../support/tried-page.ts';

const executable = findChromium();

(executable === undefined ? describe.skip : describe)('a request of the page that becomes a job', () => {
  let tried: TriedPage;
  let page: Page;

  beforeAll(async () => {
    tried = await startPage(executable ?? '', { jobModels: 'sentiment,retail-recommender' });
    ({ page } = tried);
  });
  afterEach(() => page.unrouteAll());
  afterAll(() => tried?.stop());

  const answer = async (): Promise<string> => ((await page.textContent('#answer')) ?? '').trim();
  const run = async (model: string): Promise<string> => {
    await tried.choose(model);
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    return answer();
  };
  /** Starts a job that takes long: many inputs. */
  const begin = async (inputs: number): Promise<string> => {
    await tried.choose('retail-recommender');
    await page.evaluate(`{
      const input = document.querySelector('#input');
      const one = JSON.parse(input.value);
      input.value = JSON.stringify({ inputs: Array(${inputs}).fill(one.inputs) });
    }`);
    await page.click('button.main');
    await page.waitForSelector('#answer progress');
    return /Job (\S+) is/.exec(await answer())?.[1] ?? '';
  };
  /** False for a job that ended before a part of it was seen to be done: it writes that every 2 s. */
  const seesProgress = async (): Promise<boolean> => {
    for (;;) {
      const text = await answer();
      if (/[1-9]\d* of \d+ inputs/.test(text)) return true;
      if (/^Answer/.test(text)) return false;
      await page.waitForTimeout(50);
    }
  };
  const statusOf = async (id: string): Promise<unknown> => {
    const response = await fetch(`${tried.server.endpoint}/jobs/${id}`);
    return ((await response.json()) as { status: unknown }).status;
  };

  it('is answered as soon as the job has ended, with its time in the queue and that of its run', async () => {
    const text = await run('sentiment');
    expect(text).toMatch(/^Answer of version 1.*POSITIVE.*queue [\d.]+ m?s.*job [\d.]+ m?s/s);
    expect(await page.locator('#answer meter').count()).toBe(2);
    expect(await page.textContent('#snippet')).toContain('jq -r .urls.get');
    expect(await tried.problemsOfAxe()).toEqual([]);
  });

  it('shows how many inputs are answered, and an answer that lies in the bucket', async () => {
    let inputs = 8_000;
    await begin(inputs);
    while (!(await seesProgress())) {
      inputs *= 2;
      await begin(inputs);
    }
    expect(await tried.problemsOfAxe()).toEqual([]);
    await page.waitForSelector('#answer .timing');
    expect(await answer()).toMatch(/^Answer of version 1/);
    expect(await page.locator('#answer table').count()).toBe(50);
    await page.click('summary:has-text("JSON")');
    const [saved] = await Promise.all([page.waitForEvent('download'), page.click('#answer a[download]')]);
    expect(JSON.parse(await readFile(await saved.path(), 'utf8'))).toHaveLength(inputs);
  });

  it.each([
    ['the button', () => page.click('button:text("Stop")')],
    ['Escape', () => page.keyboard.press('Escape')],
  ])('is cancelled by %s', async (_what, stop) => {
    const id = await begin(20_000);
    await stop();
    await page.waitForSelector('#answer:has-text("Stopped")');
    expect(await answer()).toBe(`Stopped: job ${id} is cancelled.`);
    expect(await statusOf(id)).toBe('cancelled');
    expect(await page.locator('button.main').getAttribute('aria-disabled')).toBe('false');
  });

  it('is cancelled when the form is left', async () => {
    const id = await begin(20_000);
    await page.click('#cards a:has-text("iris")');
    while ((await statusOf(id)) !== 'cancelled') await page.waitForTimeout(50);
  });

  it('is asked for again after a question that failed, or has no answer, and no longer when it is gone', async () => {
    let questions = 0;
    await page.route('**/jobs/*', (route) => {
      questions += 1;
      if (questions === 1) return route.abort();
      if (questions === 2) return; // nothing answers it
      return questions === 3 ? route.fulfill({ contentType: 'text/html', body: 'Log in' }) : route.continue();
    });
    expect(await run('sentiment')).toContain('POSITIVE');
    expect(questions).toBeGreaterThanOrEqual(4);
    await page.unrouteAll();
    await page.route('**/jobs/*', (route) => route.fulfill({ status: 404, json: { error: 'there is no job x' } }));
    expect(await run('sentiment')).toMatch(/^Refused with status 404.*there is no job x/s);
  });

  it('shows why a job has failed', async () => {
    await page.route('**/jobs/*', async (route) => {
      const response = await route.fetch();
      const job = {
        ...(await response.json()),
        status: 'failed',
        error: { code: 'INVALID_INPUT', message: 'no text' },
      };
      await route.fulfill({ response, json: { ...job, result: undefined } });
    });
    const text = await run('sentiment');
    expect(text).toMatch(/^The job has no answer.*no text/s);
    expect(await tried.problemsOfAxe()).toEqual([]);
  });

  it('breaks none of the rules of the page', () => {
    expect(tried.problems).toEqual([]);
  });
});
