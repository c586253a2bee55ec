import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { LocalServer } from '../../local/local-server.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { startWithSamples } from '../support/local-server.ts';

let home: string;
let server: LocalServer;
const lines: string[] = [];

const cli = (...words: string[]): Promise<Ran> => runCli(words, { projectDirectory: home });
const classify = (body: string): Promise<Response> =>
  fetch(`${server.endpoint}/models/sentiment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'cli-monitor-'));
  await mkdir(join(home, '.local'));
  server = await startWithSamples(join(home, '.local'), { onLine: (line) => lines.push(line) });
});
afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true });
});

/** The figures, once the function has written them: that follows the answer. */
const untilWritten = async (): Promise<Ran['json']> => {
  for (;;) {
    const { json } = await cli('monitor', 'sentiment', '--json');
    if (Array.isArray(json.versions) && json.versions.length > 0) return json;
    await new Promise((wake) => setTimeout(wake, 50));
  }
};

it('shows requests, percentiles, processor time, memory and cost of a model that has answered', async () => {
  expect((await cli('monitor', 'sentiment')).stdout).toMatch(/^No request reached sentiment in the last 24h/);
  expect((await classify('{"inputs": "good"}')).status).toBe(200);

  const json = await untilWritten();
  expect(json).toMatchObject({
    name: 'sentiment',
    versions: [{ version: 1, requests: 1, serverFaults: 0, clientFaults: 0, coldStarts: 1 }],
    memory: { limitMb: 1769 },
    broken: [],
  });
  const [version] = json.versions as [Record<string, number> & { latencyMs: Record<string, number> }];
  for (const value of [version.cpuMs, version.initMs, version.memoryMb, ...Object.values(version.latencyMs)])
    expect(value).toBeGreaterThan(0);
  const { stdout } = await cli('monitor', 'sentiment', '--last', '1h');
  expect(stdout).toMatch(/VERSION +REQUESTS +FAILED[\s\S]*Memory +\d+ MB of 1769 MB[\s\S]*Cost +\$0\.00\d/);
});

it('shows the state of an automatic canary', async () => {
  await cli('push', 'models/sentiment');
  await cli('canary', 'sentiment', '2', '--auto', '--guard', 'errors');
  const { stdout } = await cli('monitor', 'sentiment');
  expect(stdout).toContain('Canary  2 at 5 % (by itself to 100 %): wait, errors: 0 of 100 requests are counted');
  expect((await cli('monitor', 'sentiment', '--json')).json).toMatchObject({
    rollout: { action: 'wait', counts: { canary: { requests: 0 } } },
  });
});

it('looks again and again with --watch, until there is nothing to look at', async () => {
  await cli('push', 'test/fixtures/models/add.onnx');
  const stdout = new PassThrough();
  const watching = runCli(['monitor', 'add', '--watch'], { projectDirectory: home, stdout });
  await once(stdout, 'readable');
  await cli('delete', 'add', '--yes');
  const { stdout: printed, stderr, exitCode } = await watching;
  expect(printed).toContain('No request reached add');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('no model add')]);
});

it.each([
  ['a time without a unit', ['sentiment', '--last', '5'], 2, /--last is 5, expected a time such as/],
  ['more time than data is kept', ['sentiment', '--last', '9000d'], 2, /expected 90d at most/],
  ['a model that does not exist', ['nothing'], 1, /no model nothing/],
  ['a directory', ['sentiment', '--store', tmpdir()], 1, /has no figures: act on npm start, or on a stage/],
])('refuses %s', async (_case, words, expected, message) => {
  const ran = await cli('monitor', ...words);
  expect(ran.exitCode).toBe(expected);
  expect(ran.stderr).toMatch(message);
});

it('has the use of each request in its log line', async () => {
  const find = () => lines.find((text) => text.includes('"message":"request"'));
  while (find() === undefined) await new Promise((wake) => setTimeout(wake, 10));
  expect(JSON.parse(find() ?? '')).toMatchObject({
    ...{ coldStart: true, initMs: expect.any(Number), cpuMs: expect.any(Number) },
    ...{ memoryMb: expect.any(Number), tmpMb: expect.any(Number) },
  });
});
