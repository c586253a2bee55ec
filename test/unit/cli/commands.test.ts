import { globSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { runCli } from '../../support/command-line.ts';

const files = (await readdir('cli/commands')).map((file) => file.replace(/\.ts$/, ''));
const { stdout: help } = await runCli(['--help']);
/** The summary of each command, by its name. */
const listed = new Map(
  [...help.matchAll(/^ {2}(\S+) {2,}(\S.*)$/gm)].map(([, name = '', summary = '']) => [name, summary]),
);
const readAll = (...patterns: readonly string[]): Promise<string[]> =>
  Promise.all(globSync(patterns).map((path) => readFile(path, 'utf8')));
const pages = await readAll('README.md', 'docs/*.md');
const tests = await readAll('test/integration/{cli*,keys}.test.ts');

it('the help of the command line lists each file of cli/commands with a summary', () => {
  expect([...listed.keys()].sort()).toEqual(files.sort());
});

it.each(files)('the help of the command %s describes it and each of its options', async (name) => {
  const { stdout } = await runCli([name, '--help']);
  const [usage, description] = stdout.split('\n\n');
  const options = stdout.match(/^ {2}--.*$/gm) ?? [];
  expect(usage).toContain(`Usage: npx onnx-serverless ${name} `);
  expect(listed.get(name)).toMatch(/^[a-z].*[^.]$/);
  expect(description).toMatch(/^[A-Z][a-z]* .*\.$/s);
  expect(options.filter((line) => !/^ {2}--.*? {2,}\S/.test(line))).toEqual([]);
});

it.each(files)('a document shows the command %s', (name) => {
  expect(pages.filter((page) => new RegExp(`onnx-serverless ${name}\\b`).test(page))).not.toEqual([]);
});

it.each(files)('a test of the command line runs the command %s', (name) => {
  expect(tests.filter((test) => new RegExp(`[[(]'${name}'`).test(test))).not.toEqual([]);
});
