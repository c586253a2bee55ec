import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { LocalServer } from '../../local/local-server.ts';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { openPage, startChromium } from './chromium.ts';
import { startWithSamples } from './local-server.ts';
import { createTestS3Client } from './s3.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The page of a server of its own, in a browser. */
export interface TriedPage {
  /** Holds the buckets, in `.local`. */
  readonly directory: string;
  readonly server: LocalServer;
  readonly repository: ModelRepository<UploadingStore>;
  readonly page: Page;
  /** Errors of the page, and requests to other places than the server's. */
  readonly problems: readonly string[];
  /** Opens the form of a model. */
  choose(model: string): Promise<void>;
  /** What axe finds. */
  problemsOfAxe(): Promise<unknown>;
  /** Pixels by which the page is wider than its window. */
  overflow(): Promise<unknown>;
  stop(): Promise<void>;
}

const watch = (page: Page, { endpoint, s3Endpoint, functionUrls }: LocalServer): string[] => {
  const problems: string[] = [];
  const origins = [endpoint, s3Endpoint, ...Object.values(functionUrls)];
  page.on('console', (message) => {
    // A refused request, and one that a test has cut off, are no errors of the page.
    if (message.type() === 'error' && !/status of 4|ERR_FAILED|ERR_CONNECTION/.test(message.text()))
      problems.push(message.text());
  });
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('request', (request) => {
    if (!/^(blob:|data:)/.test(request.url()) && !origins.includes(new URL(request.url()).origin))
      problems.push(request.url());
  });
  return problems;
};

/** @param executable the browser */
export const startPage = async (
  executable: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<TriedPage> => {
  const directory = await mkdtemp(join(tmpdir(), 'page-'));
  const server = await startWithSamples(join(directory, '.local'), { parameters: { docs: 'on', ...parameters } });
  const store = createS3UploadStore(createTestS3Client(server.s3Endpoint), server.modelsBucket);
  const browser: Browser = await startChromium(executable);
  const page = await openPage(browser, { viewport: { width: 1000, height: 800 } });
  const problems = watch(page, server);
  return {
    ...{ directory, server, repository: createModelRepository(store), page, problems },
    choose: async (model) => {
      await page.goto(`${server.endpoint}/#model=${model}`);
      await page.reload();
      await page.waitForSelector('#model h2:visible');
    },
    problemsOfAxe: async () => {
      await page.evaluate(await readFile(AXE, 'utf8'));
      return page.evaluate(
        'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))',
      );
    },
    overflow: () => page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    stop: async () => {
      await browser.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
