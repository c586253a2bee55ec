import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { check } from './check.ts';
import { pythonProgram } from './python-program.ts';

/** Every example of docs/clients.md but that for a browser, which `test/long/other-origins.test.ts` runs. Its last line, a comment, is a part of what it prints. Usage: page.ts <endpoint> <s3 endpoint> */

/** Examples whose packages are in a list of their own. */
const LISTS: Readonly<Record<string, string>> = {
  mlserver: 'requirements-mlserver.txt',
  'aws s3': 'requirements-aws.txt',
  rclone: 'requirements-aws.txt',
  'Python: s3fs': 'requirements-s3fs.txt',
};

const [endpoint = '', s3Endpoint = ''] = process.argv.slice(2);
const run = promisify(execFile);
const page = await readFile('docs/clients.md', 'utf8');
const EXAMPLE = /^## ([^\n]+)\n\n```(sh|python|ts)\n([\s\S]*?)\n(?:#|\/\/) ([^\n]+)\n```$/gm;

const placed = (code: string): string =>
  code
    .replaceAll('http://127.0.0.1:3000', endpoint)
    .replaceAll('http://127.0.0.1:3001', s3Endpoint)
    .replaceAll('127.0.0.1:3000', new URL(endpoint).host);

/** A module of this folder, so that it finds the packages of the project. */
const runModule = async (code: string): Promise<string> => {
  const file = join(import.meta.dirname, `example-${process.pid}.ts`);
  await writeFile(file, code);
  try {
    return (await run(process.execPath, [file])).stdout;
  } finally {
    await rm(file);
  }
};

const examples = [...page.matchAll(EXAMPLE)];
await check('every section with code has an example', async () => {
  assert.equal(examples.length, [...page.matchAll(/^```(?!html)\w+$/gm)].length);
});
for (const [, heading = '', language, code = '', expected = ''] of examples) {
  const list = LISTS[heading];
  const python = language === 'python' || list !== undefined ? await pythonProgram(list) : undefined;
  if (language !== 'ts' && heading !== 'curl' && python === undefined) continue;
  await check(heading, async () => {
    const text = placed(code);
    if (language === 'ts') return assert.ok((await runModule(text)).includes(expected));
    const program = language === 'python' && python !== undefined ? python : 'bash';
    const PATH = python === undefined ? process.env.PATH : `${dirname(python)}:${process.env.PATH}`;
    const { stdout } = await run(program, ['-c', text], { env: { ...process.env, PATH } });
    assert.ok(stdout.includes(expected), `${stdout} has no ${expected}`);
  });
}
