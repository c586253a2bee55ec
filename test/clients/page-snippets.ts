import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { copyFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pushChatModel } from '../support/chat-model.ts';
import { findChromium } from '../support/chromium.ts';
import { runCli } from '../support/command-line.ts';
import { publishModel, pushNamed } from '../support/serving.ts';
import { startPage, type TriedPage } from '../support/tried-page.ts';
import { check } from './check.ts';
import { npmPackages } from './npm-packages.ts';
import { pythonProgram } from './python-program.ts';

/** Runs the programs that the page shows for each kind of request, on a server without keys and on one with keys. */

const run = promisify(execFile);
const COFFEE = 'models/efficientnet-lite0/samples/coffee.jpg';
const [PHOTO, LARGE_PHOTO] = ["Anna's coffee.jpg", 'large $HOME.jpg'];
const LARGE_BYTES = 6_000_000;
const SENTENCE = `It's "great": I'd buy it again 🎉\nFor $HOME \\ and %s`;

interface Form {
  readonly model: string;
  /** Fills the fields in. */
  readonly fill?: (tried: TriedPage) => Promise<void>;
  /** What each program prints. Left out for a text that a model writes: it is the one on the page. */
  readonly prints?: string;
}

const FORMS: Readonly<Record<string, Form>> = {
  'a file': {
    model: 'efficientnet-lite0',
    fill: ({ page, directory }) => page.setInputFiles('#file', join(directory, PHOTO)),
    prints: 'espresso',
  },
  'a file that exceeds a request': {
    model: 'efficientnet-lite0',
    fill: async ({ page, directory }) => {
      await page.setInputFiles('#file', join(directory, LARGE_PHOTO));
      await page.fill('[name=top_k]', '2');
    },
    prints: 'espresso',
  },
  'a text': { model: 'sentiment', fill: ({ page }) => page.fill('#input', SENTENCE), prints: 'POSITIVE' },
  'rows, which become a job': { model: 'iris', prints: 'setosa' },
  JSON: { model: 'retail-recommender', prints: 'ranked_by' },
  tensors: { model: 'add', prints: 'outputs' },
  'a message': {
    model: 'chat',
    fill: async ({ page }) => {
      await page.fill('#system', "Be brief, and don't shout.");
      await page.click('summary:has-text("Sampling")');
      for (const [name, value] of [
        ...[['max_tokens', '4'] as const, ['temperature', '0'] as const],
        ...[['top_k', '5'] as const, ['stop', '["zzzz"]'] as const],
      ])
        await page.fill(`[name=${name}]`, value);
      await page.fill('#input', SENTENCE);
    },
  },
  'a text to continue': {
    model: 'tiny-gpt2',
    fill: async ({ page }) => {
      await page.click('summary:has-text("Sampling")');
      for (const [name, value] of [['max_tokens', '4'] as const, ['temperature', '0'] as const])
        await page.fill(`[name=${name}]`, value);
    },
  },
};

const python = await pythonProgram();
const packages = await npmPackages();

/** Runs a program in the folder of the files. Returns what it prints. */
const runProgram = async (language: string, code: string, cwd: string, key: string): Promise<string> => {
  const options = { cwd, env: { ...process.env, KEY: key } };
  if (language === 'curl') return (await run('bash', ['-ec', code], options)).stdout;
  if (language === 'Python') return (await run(python ?? 'python3', ['-c', code], options)).stdout;
  const file = join(packages, `snippet-${process.pid}.ts`); // where the packages are found
  await writeFile(file, code);
  try {
    return (await run(process.execPath, [file], options)).stdout;
  } finally {
    await rm(file);
  }
};

/** Sends the request of a form, and runs its programs. */
const tryForm = async (tried: TriedPage, { model, fill, prints }: Form, key: string): Promise<void> => {
  const { page, directory } = tried;
  await tried.choose(model);
  await fill?.(tried);
  await page.click('button.main');
  await page.waitForSelector('#answer .timing');
  const written = (await page.locator('.written').allTextContents()).at(-1) ?? '';
  for (const language of ['curl', 'Python', 'TypeScript']) {
    if (language === 'Python' && python === undefined) continue;
    await page.click(`[role=tab]:text("${language}")`);
    const code = (await page.textContent('#snippet')) ?? '';
    assert.ok(!code.includes(key) || key === '', `${language}: the key is in the program`);
    const printed = await runProgram(language, code, directory, key);
    if (prints !== undefined) assert.ok(printed.includes(prints), `${language} prints ${printed}`);
    else if (language === 'curl') assert.match(printed, /^data: \{[\s\S]*data: \[DONE\]\s*$/);
    else assert.ok(printed !== '' && written.endsWith(printed), `${language} prints ${printed}, the page ${written}`);
  }
};

/** Gives the page a key; empty where it asks for none. */
const enter = async (tried: TriedPage, isLocked: boolean): Promise<string> => {
  const { page, server, directory } = tried;
  await page.goto(server.endpoint);
  if (!isLocked) return '';
  const created = await runCli(['key', 'create', 'page', '--json'], { projectDirectory: directory });
  const key = String(created.json.key);
  const headers = { authorization: `Bearer ${key}` };
  // Running functions know a new key within a second.
  while ((await fetch(`${server.endpoint}/models`, { headers })).status !== 200)
    await new Promise((wake) => setTimeout(wake, 50));
  await page.fill('#key', key);
  await page.click('text=Use it');
  await page.waitForSelector('#cards a');
  return key;
};

const executable = findChromium();
const jobs = { jobModels: 'iris' };
for (const parameters of executable === undefined ? [] : [jobs, { ...jobs, auth: 'key' }]) {
  const tried = await startPage(executable ?? '', parameters);
  try {
    await pushChatModel(tried.repository, 'chat');
    await pushNamed(tried.repository, 'tiny-gpt2');
    await publishModel(tried.repository, 'add', 'test/fixtures/models/add.onnx');
    await copyFile(COFFEE, join(tried.directory, PHOTO));
    await copyFile(COFFEE, join(tried.directory, LARGE_PHOTO));
    await truncate(join(tried.directory, LARGE_PHOTO), LARGE_BYTES);
    const key = await enter(tried, 'auth' in parameters);
    for (const [name, form] of Object.entries(FORMS))
      await check(`the programs of ${name}${key === '' ? '' : ', with a key'}`, () => tryForm(tried, form, key));
  } finally {
    await tried.stop();
  }
}
