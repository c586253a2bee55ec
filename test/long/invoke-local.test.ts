import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LocalEndpoint } from '../../local/local-endpoint.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { copyProject } from '../support/project-copy.ts';
import { SLS_CACHES } from '../support/sls.ts';

const binaries = path.resolve('node_modules/.bin');

let scratch: string;
let project: string;
let storage: EmbeddedStorage;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'invoke-local-'));
  project = path.join(scratch, 'project');
  await copyProject(project);
  storage = await startEmbeddedStorage();
  const local: LocalEndpoint = {
    ...{ endpoint: 'http://127.0.0.1:1', functionUrls: {}, fleet: {}, metricsEndpoint: 'http://127.0.0.1:1', pid: 1 },
    ...{ s3Endpoint: storage.endpoint, modelsBucket: storage.modelsBucket, dataBucket: storage.dataBucket },
  };
  await mkdir(path.join(project, '.local'));
  await writeFile(path.join(project, '.local', 'endpoint.json'), JSON.stringify(local));
});
afterAll(async () => {
  await storage.stop();
  await rm(scratch, { recursive: true });
});

/** The exit code of `sls invoke local` with the event, and what it printed. */
const invoke = (name: string, event: string): Promise<{ exitCode: unknown; output: string }> =>
  new Promise((resolve) => {
    const PATH = `${binaries}${path.delimiter}${process.env.PATH}`;
    const env = { ...SLS_CACHES, PATH, HOME: scratch, POWERTOOLS_DEV: 'true' };
    const words = ['invoke', 'local', '-f', name, '-p', path.resolve('events', event)];
    const child = execFile('sls', words, { cwd: project, env }, (error, stdout, stderr) => {
      resolve({ exitCode: error?.code ?? 0, output: stdout + stderr });
    });
    child.stdin?.end(); // sls waits for its input when that is no terminal
  });

describe('sls invoke local', () => {
  it('ends with 0 after an event that was answered', async () => {
    expect(await invoke('infer', 'infer-health.json')).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('"statusCode": 200'),
    });
  });

  it('ends with 1 after a request that was refused', async () => {
    expect(await invoke('infer', 'infer-metadata.json')).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('"statusCode": 404'),
    });
  });

  it.each([
    ['infer', 'holds no HTTP request'],
    ['on-upload', 'expected messages of SQS'],
  ])('ends with 1 after an event that %s cannot read, and says why', async (name, reason) => {
    const broken = path.join(scratch, 'broken.json');
    await writeFile(broken, '{"Records": 5}');
    expect(await invoke(name, broken)).toMatchObject({ exitCode: 1, output: expect.stringContaining(reason) });
  });
});
