import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalServer } from '../../local/local-server.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { pushChatModel } from './chat-model.ts';
import { findChromium, openPage, startChromium } from './chromium.ts';
import { createTestS3Client } from './s3.ts';

/** `npm run page:pictures` writes the pictures of the page that the documents show. */

const COFFEE = 'models/efficientnet-lite0/samples/coffee.jpg';

const executable = findChromium();
if (executable === undefined) process.exit(1);
const directory = await mkdtemp(join(tmpdir(), 'page-pictures-'));
const server = await startLocalServer({ directory, port: 0, onLine: () => {}, parameters: { docs: 'on' } });
const browser = await startChromium(executable);
try {
  const picture = async (
    path: string,
    { width, colorScheme }: { readonly width: number; readonly colorScheme: 'dark' | 'light' },
    address: string,
    file?: string,
  ): Promise<void> => {
    const page = await openPage(browser, { viewport: { width, height: 600 }, colorScheme });
    await page.goto(`${server.endpoint}/${address}`);
    await page.waitForSelector('button.main');
    if (file !== undefined) await page.setInputFiles('#file', file);
    await page.click('button.main');
    await page.waitForSelector('#answer .timing');
    await page.evaluate('document.activeElement.blur()');
    await page.screenshot({ path, fullPage: true, type: 'jpeg', quality: 60 });
    await page.close();
  };
  const pictureChat = async (path: string): Promise<void> => {
    const store = createS3UploadStore(createTestS3Client(server.s3Endpoint), server.modelsBucket);
    await pushChatModel(createModelRepository(store), 'tiny-llama');
    const page = await openPage(browser, { viewport: { width: 1000, height: 600 } });
    await page.goto(`${server.endpoint}/#model=tiny-llama`);
    await page.fill('#system', 'Answer in one sentence.');
    await page.click('summary:has-text("Sampling")');
    for (const [name, value] of Object.entries({ max_tokens: '24', temperature: '0.7', seed: '1' }))
      await page.fill(`[name=${name}]`, value);
    await page.click('summary:has-text("Sampling")');
    for (const message of ['What is the capital of France?', 'And of Spain?']) {
      await page.fill('#input', message);
      await page.keyboard.press('Enter');
      await page.waitForSelector('#turns[aria-busy=false]', { state: 'attached' });
    }
    await page.evaluate('document.activeElement.blur()');
    await page.screenshot({ path, fullPage: true, type: 'jpeg', quality: 60 });
    await page.close();
  };
  await picture('docs/page.jpg', { width: 1000, colorScheme: 'light' }, '#model=efficientnet-lite0', COFFEE);
  const reference = await openPage(browser, { viewport: { width: 820, height: 600 } });
  await reference.goto(`${server.endpoint}/reference`);
  await reference.click('summary:has-text("/models/sentiment")');
  await reference.evaluate('document.querySelector("details[open]").scrollIntoView()');
  await reference.screenshot({ path: 'docs/reference.jpg', type: 'jpeg', quality: 60 });
  await picture('docs/page-on-a-phone.jpg', { width: 360, colorScheme: 'dark' }, '#model=sentiment');
  await pictureChat('docs/page-chat.jpg');
} finally {
  await browser.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
