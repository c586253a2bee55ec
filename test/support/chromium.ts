import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = [
  ...['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable'],
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser of this machine; undefined, with a word, where there is none. In CI there has to be one. */
export const findChromium = (): string | undefined => {
  const path = PLACES.find((place) => existsSync(place));
  if (path === undefined) {
    if (process.env.CI && process.platform === 'linux' && process.env.GITHUB_JOB === undefined)
      throw new Error('there is no Chromium: install the package chromium');
    process.stdout.write('The page is not tried in a browser: there is no Chromium\n');
  }
  return path;
};

/** Waits end a little before a test does, and say what they waited for: a browser takes as long as a busy machine needs. */
const LONGEST_WAIT_MS = 240_000;

/** A browser with a microphone that beeps. */
export const startChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    ...{ executablePath, timeout: LONGEST_WAIT_MS },
    args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
  });

/** A page that waits for the machine. */
export const openPage = async (browser: Browser, options: BrowserContextOptions = {}): Promise<Page> => {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  return page;
};
