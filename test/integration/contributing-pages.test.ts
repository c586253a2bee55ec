import { existsSync, globSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, headingsOf, localLinks } from '../support/page.ts';

const FOLDER = 'docs/contributing';
const HEADINGS = ['Example', 'Steps', 'Check', 'Forgotten steps'];
/** Pages on something else than a kind of change. */
const OTHER_PAGES = ['README.md', 'debugging.md', 'merging.md'];

const files = await readdir(FOLDER);
const kinds = files.filter((file) => !OTHER_PAGES.includes(file));
const readPage = (file: string): Promise<string> => readFile(join(FOLDER, file), 'utf8');
const rules = await readFile('.dependency-cruiser.mjs', 'utf8');

/** Paths of the project in inline code. `<name>` stands for any name. */
const pathsOf = (page: string): string[] =>
  [...page.matchAll(/`((?:src|cli|functions|local|test|docs|events|examples|models)\/[^`\s]*)`/g)].map(
    ([, path = '']) => path,
  );

/** Names of the code in inline code: those with a capital or an underscore inside. */
const namesOf = (page: string): string[] =>
  [...page.matchAll(/`([A-Za-z]\w*?[A-Z_]\w*)(?:\([^`]*\))?`/g)].map(([, name = '']) => name);

/** Tests that a page names: file and name. */
const testsOf = (page: string): RegExpExecArray[] => [...page.matchAll(/`(test\/\S+\.test\.ts)`: "([^"]+)"/g)];
/** Import rules that a page names. */
const rulesOf = (page: string): string[] =>
  [...page.matchAll(/`npm run imports`: ([a-z0-9-]+)/g)].map(([, rule = '']) => rule);

const CODE = ['{src,cli,local,test,layers}/**/*.ts', 'test/reference/*.py', 'serverless.yml', '*.md'];
const code = globSync(CODE, { exclude: ['**/build', 'test/integration/contributing-pages.test.ts'] })
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

const isThere = (path: string): boolean => globSync(path.replaceAll(/<[\w ]+>/g, '*')).length > 0;

describe('the pages for contributors', () => {
  it('the index lists each page', async () => {
    const links = localLinks(await readPage('README.md')).filter((link) => !link.startsWith('..'));
    expect([...links, 'README.md'].sort()).toEqual(files.sort());
  });

  it.each(kinds)('the page %s has an example, the steps, the check and the forgotten steps', async (file) => {
    expect(headingsOf(await readPage(file), 2)).toEqual(HEADINGS);
  });

  it.each(files)('the links of %s resolve', async (file) => {
    for (const link of localLinks(await readPage(file))) {
      const [path = '', anchor] = link.split('#');
      const target = join(FOLDER, path);
      expect({ link, exists: existsSync(target) }).toEqual({ link, exists: true });
      if (anchor !== undefined) expect(anchorsOf(await readFile(target, 'utf8'))).toContain(anchor);
    }
  });

  it.each(files)('the files that %s names exist', async (file) => {
    expect(pathsOf(await readPage(file)).filter((path) => !isThere(path))).toEqual([]);
  });

  it.each(files)('the names of the code in %s exist', async (file) => {
    expect(namesOf(await readPage(file)).filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
  });

  it.each(kinds)('the tests that %s names exist, by file and name', async (file) => {
    for (const [, path = '', name = ''] of testsOf(await readPage(file)))
      expect({ name, exists: (await readFile(path, 'utf8')).includes(name) }).toEqual({ name, exists: true });
  });

  it.each(kinds)('the import rules that %s names exist', async (file) => {
    for (const rule of rulesOf(await readPage(file))) expect(rules).toContain(`'${rule}'`);
  });

  it('together they name more than 20 tests and more than 5 import rules', async () => {
    const pages = await Promise.all(kinds.map(readPage));
    expect(pages.flatMap(testsOf).length).toBeGreaterThan(20);
    expect(pages.flatMap(rulesOf).length).toBeGreaterThan(5);
  });
});
