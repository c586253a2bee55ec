import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findChromium } from '../support/chromium.ts';
import { publishModel, pushNamed } from '../support/serving.ts';
import { startPage, type TriedPage } from '../support/tried-page.ts';

const MODELS = [
  'tiny-detr',
  'tiny-bert-ner',
  'tiny-bert-sentences',
  'tiny-marian',
  'tiny-wav2vec2',
  'tabular-ridge',
  'tiny-bart',
];
const COFFEE = 'models/efficientnet-lite0/samples/coffee.jpg';

const executable = findChromium();

(executable === undefined ? describe.skip : describe)('the page of npm start', () => {
  let tried: TriedPage;
  let page: Page;
  let choose: TriedPage['choose'];
  let problemsOfAxe: TriedPage['problemsOfAxe'];
  let overflow: TriedPage['overflow'];

  beforeAll(async () => {
    tried = await startPage(executable ?? '');
    ({ page, choose, problemsOfAxe, overflow } = tried);
    for (const name of MODELS) await pushNamed(tried.repository, name);
    await publishModel(tried.repository, 'add', 'test/fixtures/models/add.onnx');
  });
  afterAll(() => tried?.stop());

  /** The heading of the answer, and its text. */
  const run = async (): Promise<{ heading: string; text: string }> => {
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    return { heading: (await page.textContent('#answer h3')) ?? '', text: (await page.textContent('#answer')) ?? '' };
  };
  it('lists the models with task, version and state', async () => {
    await page.goto(tried.server.endpoint);
    await page.waitForSelector('#cards a');
    const cards = await page.locator('#cards a').allInnerTexts();
    expect(cards).toHaveLength(MODELS.length + 5);
    expect(cards).toContain('iris\ntabular-classification\nversion 1, ready');
    expect(await problemsOfAxe()).toEqual([]);
  });

  it('shows the labels of a picture, and the request as programs', async () => {
    await choose('efficientnet-lite0');
    await page.setInputFiles('#file', COFFEE);
    await page.fill('[name=top_k]', '2');
    const { heading, text } = await run();
    expect(heading).toBe('Answer of version 1');
    expect(text).toContain('espresso');
    expect(await page.locator('#answer meter').count()).toBe(2);
    expect(text).toMatch(/run [\d.]+ ms/);
    expect(await page.textContent('#snippet')).toContain("--data-binary @'coffee.jpg'");
    await page.click('text=Python');
    expect(await page.textContent('#snippet')).toContain('import requests');
    expect(await problemsOfAxe()).toEqual([]);
  });

  it('draws boxes over a picture that is dropped', async () => {
    await choose('tiny-detr');
    const bytes = [...(await readFile(COFFEE))];
    const transfer = await page.evaluateHandle(
      `(() => { const data = new DataTransfer(); data.items.add(new File([new Uint8Array(${JSON.stringify(bytes)})], 'a.jpg', { type: 'image/jpeg' })); return data; })()`,
    );
    await page.dispatchEvent('.drop', 'drop', { dataTransfer: transfer });
    await page.fill('[name=threshold]', '0');
    await run();
    expect(await page.getAttribute('#answer canvas', 'aria-label')).toMatch(/The picture with [1-9]\d* boxes: /);
  });

  it.each([
    ['sentiment', 'POSITIVE'],
    ['tiny-bert-ner', 'Sarah lives in'],
    ['tiny-bert-sentences', 'the first eight'],
    ['tiny-marian', 'Answer of version 1'],
    ['tiny-bart', 'Answer of version 1'],
    ['iris', 'setosa'],
    ['tabular-ridge', 'answer'],
    ['retail-recommender', 'ranked by model'],
    ['add', '"outputs"'],
  ])('answers %s with what its form has at first', async (model, expected) => {
    await choose(model);
    const { heading, text } = await run();
    expect({ heading, text }).toEqual({ heading: 'Answer of version 1', text: expect.stringContaining(expected) });
    expect(await problemsOfAxe()).toEqual([]);
  });

  it('sends a sound that is recorded', async () => {
    await choose('tiny-wav2vec2');
    await page.click('text=Record');
    await page.waitForSelector('text=Recording …');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await page.click('text=Stop');
    await page.waitForSelector('text=KB are recorded');
    expect((await run()).heading).toBe('Answer of version 1');
    expect(await problemsOfAxe()).toEqual([]);
  });

  it('marks the entities in the text that was sent', async () => {
    const sentence = 'Sarah lives in Zürich';
    await choose('tiny-bert-ner');
    await page.fill('#input', sentence);
    await run();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ inputs: sentence, parameters: { aggregation_strategy: 'simple' } });
    const response = await fetch(`${tried.server.endpoint}/models/tiny-bert-ner`, { method: 'POST', headers, body });
    const entities = (await response.json()) as { entity_group: string; start: number; end: number }[];
    expect(entities.length).toBeGreaterThan(0);
    expect(await page.locator('#answer mark').allTextContents()).toEqual(
      entities.map(({ entity_group, start, end }) => `${sentence.slice(start, end)}${entity_group}`),
    );
  });

  it('shows the words of a sound file with their times', async () => {
    await choose('tiny-wav2vec2');
    await page.setInputFiles('#file', 'test/fixtures/audio/pcm-16.wav');
    await page.fill('[name=return_timestamps]', 'word');
    expect((await run()).heading).toBe('Answer of version 1');
    expect(await page.locator('#answer caption').allTextContents()).toEqual(['Passages']);
    const first = await page.locator('#answer tbody tr').first().locator('td').allTextContents();
    expect(first).toEqual([
      expect.stringMatching(/^[\d.]+ s$/),
      expect.stringMatching(/^[\d.]+ s$/),
      expect.any(String),
    ]);
    expect(await problemsOfAxe()).toEqual([]);
  });

  it('answers the rows of a file of CSV', async () => {
    await choose('iris');
    await page.setInputFiles('#file', 'models/iris/samples/flowers.csv');
    const lines = (await readFile('models/iris/samples/flowers.csv', 'utf8')).trim().split('\n');
    while ((await page.inputValue('#input')).trim().split('\n').length !== lines.length) await page.waitForTimeout(20);
    await run();
    const [table = ''] = await page.locator('#answer tbody').allTextContents();
    expect(table).toContain('setosa');
    expect(await page.locator('#answer tbody tr').count()).toBe(lines.length - 1); // the first one has the names
  });

  it('closes the microphone when the form is left', async () => {
    await choose('tiny-wav2vec2');
    await page.evaluate(`{
      const { mediaDevices } = navigator;
      const open = mediaDevices.getUserMedia.bind(mediaDevices);
      window.opened = [];
      mediaDevices.getUserMedia = async (wanted) => {
        const stream = await open(wanted);
        window.opened.push(...stream.getTracks());
        return stream;
      };
    }`);
    const states = (): Promise<unknown> => page.evaluate('window.opened.map(({ readyState }) => readyState)');
    await page.click('text=Record');
    await page.waitForSelector('text=Recording …');
    expect(await states()).toEqual(['live']);
    await page.click('#cards a:has-text("sentiment")');
    await page.waitForSelector('#model h2:has-text("sentiment")');
    expect(await states()).toEqual(['ended']);
  });

  it('shows errors as they are, and says what is missing', async () => {
    await choose('tiny-bert-ner');
    await page.fill('[name=stride]', '-1');
    const { heading, text } = await run();
    expect(heading).toBe('Refused with status 400');
    expect(text).toContain('parameter "stride" is -1');
    await choose('efficientnet-lite0');
    await page.click('button.main');
    expect(await page.textContent('#model [role=alert]')).toBe('Choose a file first.');
    const refused = async (name: string, mimeType: string, bytes: number): Promise<string> => {
      await page.setInputFiles('#file', { name, mimeType, buffer: Buffer.alloc(bytes, 'a') });
      const { heading, text } = await run();
      return `${heading}: ${text}`;
    };
    expect(await refused('a.txt', 'text/plain', 9)).toMatch(/^Refused with status 415: .*send image\/jpeg/s);
    expect(await refused('empty.jpg', 'image/jpeg', 0)).toMatch(/^Refused with status 400: .*body is empty/s);
    expect(await problemsOfAxe()).toEqual([]);
    await page.goto(`${tried.server.endpoint}/#model=gone`);
    await page.waitForSelector('#notice:has-text("There is no model gone")');
    expect(await page.isVisible('#model')).toBe(false);
    await choose('add');
    await page.evaluate(`document.querySelector('#input').value += ' '.repeat(7e6)`);
    expect((await run()).text).toMatch(/^Refused with status 413.*up to 4.5 MB/s); // tensors are not read from the bucket
    await page.fill('#input', '{"inputs": ');
    await page.click('button.main');
    expect(await page.textContent('#model [role=alert]')).toContain('JSON');
  });

  it('shows its models also when the question for their states gets no answer', async () => {
    await page.route('**/v2/repository/index', () => {});
    await page.goto(`${tried.server.endpoint}/`);
    await page.reload();
    await page.waitForSelector('#cards a:has-text("iris")');
    await page.unrouteAll();
  });

  it('is used by keyboard alone', async () => {
    await page.goto(`${tried.server.endpoint}/`);
    await page.reload();
    await page.waitForSelector('#cards a');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
    for (let presses = 0; presses < 30 && !String(await focused()).startsWith('sentiment'); presses += 1)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#model h2');
    expect(await focused()).toBe('sentiment');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('This is bad.');
    for (let presses = 0; presses < 10 && (await focused()) !== 'Run'; presses += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#answer .timing');
    expect(await page.textContent('#answer')).toContain('NEGATIVE');
  });

  it('fits a phone, in the dark, too', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const model of ['iris', 'retail-recommender', 'sentiment']) {
      await choose(model);
      await run();
      expect([model, await overflow(), await problemsOfAxe()]).toEqual([model, 0, []]);
    }
    await page.goto(`${tried.server.endpoint}/reference`);
    await page.waitForSelector('#operations summary');
    await page.click('summary >> nth=0');
    expect([await overflow(), await problemsOfAxe()]).toEqual([0, []]);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await problemsOfAxe()).toEqual([]);
  });

  it('loads nothing from elsewhere, and breaks none of its own rules', () => {
    expect(tried.problems).toEqual([]);
  });
});
