import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyProject } from '../support/project-copy.ts';
import { zipEntries } from '../support/zip-entries.ts';

const run = promisify(execFile);
const ZIPS = [...(await readdir('functions')), 'onnxruntime', 'sharp'].map((name) => `${name}.zip`);

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'packaging-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** Packages a copy of the project in a folder of its own, as a user with that umask and time zone would. It leaves no temporary files. */
const packageIn = async (folder: string, umask: string, timeZone: string): Promise<readonly Buffer[]> => {
  const project = path.join(scratch, folder);
  const temporary = path.join(scratch, `${folder}, temporary`);
  await copyProject(project);
  await mkdir(temporary);
  const binaries = path.resolve('node_modules/.bin');
  const env = {
    PATH: `${binaries}${path.delimiter}${process.env.PATH}`,
    HOME: scratch,
    TZ: timeZone,
    TMPDIR: temporary,
  };
  await run('sh', ['-c', `umask ${umask} && sls package`], { cwd: project, env });
  expect(await readdir(temporary)).toEqual([]);
  return Promise.all(ZIPS.map((name) => readFile(path.join(project, '.serverless', name))));
};

it('a build that fails ends sls package, and names the place', async () => {
  const project = path.join(scratch, 'broken');
  await copyProject(project);
  await appendFile(path.join(project, 'functions/docs/handler.ts'), '\nconst = ;\n');
  const env = { PATH: `${path.resolve('node_modules/.bin')}${path.delimiter}${process.env.PATH}`, HOME: scratch };
  await expect(run('sls', ['package'], { cwd: project, env })).rejects.toMatchObject({
    ...{ code: 1, killed: false },
    stderr: expect.stringContaining('functions/docs/handler.ts:'),
  });
});

describe('the zips of a deployment', () => {
  it('can be read by every user, and are the same whatever the umask, the time zone and the folder', async () => {
    const here = await packageIn('here', '022', 'UTC');
    const elsewhere = await packageIn('a folder of another name', '077', 'Pacific/Kiritimati');

    for (const zip of elsewhere)
      for (const { name, mode } of zipEntries(zip)) expect([name, mode & 0o444]).toEqual([name, 0o444]);
    const digests = (zips: readonly Buffer[]) => zips.map((zip) => createHash('sha256').update(zip).digest('hex'));
    expect(digests(elsewhere)).toEqual(digests(here));
  });
});
