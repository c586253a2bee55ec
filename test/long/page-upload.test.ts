import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { CDPSession, Page } from 'playwright-core';
import { findChromium } from '../support/chromium.ts';
import { startPage, type TriedPage } from '../support/tried-page.ts';

const COFFEE = 'models/efficientnet-lite0/samples/coffee.jpg';
const MB = 1e6;

const executable = findChromium();

(executable === undefined ? describe.skip : describe)('a file of the page that exceeds a request', () => {
  let tried: TriedPage;
  let page: Page;
  let photo: string;
  let network: CDPSession;
  /** What was sent of late, as `PUT /data/inputs`. */
  const sent: string[] = [];

  /** A file of so many bytes that begins with these. */
  const writeLarge = async (name: string, beginning: Buffer | string, sizeBytes: number): Promise<string> => {
    const path = join(tried.directory, name);
    await writeFile(path, beginning);
    await truncate(path, sizeBytes);
    return path;
  };

  beforeAll(async () => {
    tried = await startPage(executable ?? '');
    ({ page } = tried);
    photo = await writeLarge('large.jpg', await readFile(COFFEE), 6 * MB);
    page.on('request', (request) => {
      const [first, second] = new URL(request.url()).pathname.split('/').slice(1);
      if (!['GET', 'OPTIONS'].includes(request.method()))
        sent.push([request.method(), `/${[first, second].filter(Boolean).join('/')}`].join(' '));
    });
    network = await page.context().newCDPSession(page);
    await network.send('Network.enable');
  });
  afterEach(async () => {
    await page.unrouteAll();
    await setSpeed(-1);
  });
  afterAll(() => tried?.stop());

  /** Bytes a second of what is sent; -1 for no limit. */
  const setSpeed = async (uploadThroughput: number): Promise<void> => {
    await network.send('Network.emulateNetworkConditions', {
      ...{ offline: false, latency: 0, downloadThroughput: -1, uploadThroughput },
    });
  };
  const choose = async (file: string): Promise<void> => {
    await tried.choose('efficientnet-lite0');
    await page.setInputFiles('#file', file);
    sent.length = 0;
  };
  const run = async (file: string): Promise<string> => {
    await choose(file);
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    return ((await page.textContent('#answer')) ?? '').trim();
  };
  /** Waits until a part has gone. The policy of the page forbids the waiting that a page does itself. */
  const untilSending = async (): Promise<void> => {
    while (!(await page.evaluate('document.querySelector("progress")?.value > 0'))) await page.waitForTimeout(20);
  };
  /** Starts to send the photo slowly. */
  const begin = async (): Promise<void> => {
    await choose(photo);
    await setSpeed(1 * MB);
    await page.click('button.main');
    await untilSending();
  };

  it('goes to the bucket, with the part that was sent, and is answered from there', async () => {
    await choose(photo);
    await page.fill('[name=top_k]', '2');
    await setSpeed(8 * MB);
    await page.click('button.main');
    await untilSending();
    expect(await page.textContent('#answer')).toBe('Sending 6.0 MB …');
    expect(await tried.problemsOfAxe()).toEqual([]);
    await page.waitForSelector('#answer .timing');
    expect(await page.textContent('#answer')).toMatch(/^Answer of version 1.*espresso.*upload [\d.]+ m?s/s);
    expect(await page.locator('#answer meter').count()).toBe(2);
    expect(sent).toEqual(['POST /uploads', 'PUT /data/inputs', 'POST /models/efficientnet-lite0']);
    expect(await page.textContent('#snippet')).toContain("curl -fsS -T 'large.jpg'");
    expect(await tried.problemsOfAxe()).toEqual([]);
  });

  it('may be a document, which keeps its parameters', async () => {
    await tried.choose('retail-recommender');
    await page.evaluate(
      `{ const { value } = document.querySelector('#input'); document.querySelector('#input').value = value + ' '.repeat(${5 * MB}); }`,
    );
    sent.length = 0;
    await page.fill('[name=top_k]', '2');
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    expect(sent).toEqual(['POST /uploads', 'PUT /data/inputs', 'POST /models/retail-recommender']);
    expect(await page.locator('#answer tbody tr').count()).toBe(2);
  });

  it('is refused in the words of the server when it is too large, or no picture', async () => {
    expect(await run(await writeLarge('huge.jpg', '', 51 * 1024 * 1024))).toMatch(
      /^Upload refused with status 413.*"sizeBytes" is 53477376, expected .* to 52428800/s,
    );
    expect(sent).toEqual(['POST /uploads']);
    expect(await run(await writeLarge('letter.jpg', 'Dear reader', 5 * MB))).toMatch(
      /^Refused with status 422the object/,
    );
  });

  it('is refused by the bucket when the URL has expired, or another file comes', async () => {
    const change = (text: (url: URL) => void) =>
      page.route('**/uploads', async (route) => {
        const response = await route.fetch();
        const document = (await response.json()) as { url: string };
        const url = new URL(document.url);
        text(url);
        await route.fulfill({ response, json: { ...document, url: url.href } });
      });
    await change((url) => url.searchParams.set('X-Amz-Date', '20200101T000000Z'));
    expect(await run(photo)).toMatch(/^Upload refused with status 403Request has expired/);
    await page.unrouteAll();
    await change((url) => {
      url.pathname = url.pathname.replace('/iris/', '/other/').replace('input', 'other');
    });
    expect(await run(photo)).toMatch(/^Upload refused with status 403The request signature we calculated/);
  });

  it('does not arrive when the connection breaks off', async () => {
    await page.route('**/data/**', (route) => route.abort('connectionreset'));
    expect(await run(photo)).toMatch(/^The upload failedThe connection to the bucket broke off/);
    await page.unrouteAll();
    await page.route('**/uploads', (route) => route.abort('connectionrefused'));
    expect(await run(photo)).toMatch(/^No answerThe request failed/);
  });

  it('is sent no further when it is stopped, by keyboard too, or its form is left', async () => {
    const aborted = () => page.waitForEvent('requestfailed', (request) => request.method() === 'PUT');
    const stops = [
      () => page.click('button:text("Stop")'),
      () => page.keyboard.press('Escape'),
      () => page.click('#cards a:has-text("sentiment")'),
    ];
    for (const stop of stops) {
      await begin();
      const [request] = await Promise.all([aborted(), stop()]);
      expect(request.failure()?.errorText).toBe('net::ERR_ABORTED');
      await page.waitForTimeout(50);
      expect(sent).toEqual(['POST /uploads', 'PUT /data/inputs']);
    }
    await begin();
    await page.keyboard.press('Escape');
    await page.waitForSelector('#answer:has-text("Stopped.")');
    await setSpeed(-1);
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    expect(await page.textContent('#answer')).toContain('espresso');
  });

  it('breaks none of the rules of the page', () => {
    expect(tried.problems).toEqual([]);
  });
});

(executable === undefined ? describe.skip : describe)('what a form of the page has under way', () => {
  let tried: TriedPage;
  beforeAll(async () => {
    tried = await startPage(executable ?? '');
  });
  afterAll(() => tried?.stop());

  it('ends when the form is left, and once more is asked once', async () => {
    const { page } = tried;
    await page.route('**/models/sentiment', () => {}); // never answers
    await tried.choose('sentiment');
    const posted: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().includes('/models/')) posted.push(request.url());
    });
    await page.click('button.main');
    await page.waitForSelector('button:text("Stop"):visible');
    await page.keyboard.press('Enter'); // a second press while the first one runs
    const [request] = await Promise.all([page.waitForEvent('requestfailed'), page.click('#cards a:has-text("iris")')]);
    expect([request.failure()?.errorText, posted.length]).toEqual(['net::ERR_ABORTED', 1]);
    await page.waitForSelector('#model h2:has-text("iris")');
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    expect(posted).toHaveLength(2);
    expect(tried.problems).toEqual([]);
  });
});
