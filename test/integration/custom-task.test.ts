import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const EXAMPLE = 'examples/custom-task';
/** Parts of the project that a clone runs with; tests and documents are left out. */
const PARTS = [
  'cli',
  'esbuild.config.ts',
  'examples',
  'functions',
  'layers',
  'local',
  'package.json',
  'package-lock.json',
];
const MORE_PARTS = ['serverless.yml', 'src', 'tsconfig.json'];
const LEFT_OUT = /^layers\/[^/]+\/build/;

let clone: string;
let server: ChildProcess | undefined;
let endpoint: string;

/** Runs a program of the clone with this Node. Resolves to its output. */
const run = async (...words: readonly string[]): Promise<{ exitCode: number | null; output: string }> => {
  const child = spawn(process.execPath, [...words], { cwd: clone });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, output };
};

const startServer = async (): Promise<void> => {
  const started = spawn(process.execPath, ['local/main.ts'], { cwd: clone, env: { ...process.env, PORT: '0' } });
  server = started;
  let errors = '';
  started.stderr.on('data', (chunk) => (errors += String(chunk)));
  for await (const line of createInterface({ input: started.stdout })) {
    const [, url] = /^Serving on (\S+)/.exec(line) ?? [];
    if (url === undefined) continue;
    endpoint = url;
    return;
  }
  throw new Error(`the local server ended before it served: ${errors}`);
};

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  url = endpoint,
): Promise<Response> => fetch(new URL('/models/spikes', url), { method: 'POST', body, headers });

/** The chunks of an event stream. */
const chunksOf = async (response: Response): Promise<unknown[]> =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.replace(/^data: /, '')) as unknown);

/** A `.npy` file of one dimension, as NumPy 1.x and 2.x write it. */
const npyOf = (values: readonly number[]): Buffer<ArrayBuffer> => {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${values.length},), }`;
  const header = `${text.padEnd(128 - 10 - 1)}\n`;
  const data = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) data.writeFloatLE(value, index * 4);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(header), data]);
};

const SERIES = [1, 1, 1, 1, 9, 1, 1, 1, 1];
const SPIKE = { index: 4, value: 9, distance: expect.closeTo(6.4, 5) };

describe('an extension', () => {
  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'custom-task-'));
    for (const part of [...PARTS, ...MORE_PARTS])
      await cp(part, join(clone, part), { recursive: true, filter: (path) => !LEFT_OUT.test(relative('.', path)) });
    await symlink(join(process.cwd(), 'node_modules'), join(clone, 'node_modules'));
    await cp('models/iris', join(clone, 'models/iris'), { recursive: true });
    await cp(`${EXAMPLE}/extension`, join(clone, 'extensions/anomaly-detection'), { recursive: true });
    await startServer();
    const push = ['push', `${EXAMPLE}/model`, '--name', 'spikes', '--task', 'anomaly-detection'];
    expect(await run('cli/main.ts', ...push)).toMatchObject({ exitCode: 0, output: expect.stringContaining('Pushed') });
  });

  afterAll(async () => {
    if (server?.exitCode === null && server.signalCode === null) {
      server.kill('SIGINT');
      await once(server, 'close');
    }
    await rm(clone, { recursive: true, force: true });
  });

  it('answers requests for its task', async () => {
    const response = await post(JSON.stringify({ inputs: SERIES }), { 'content-type': 'application/json' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual([SPIKE]);
  });

  it.each([
    ['a parameter that it does not take', { inputs: SERIES, parameters: { top_k: 1 } }, 400, 'threshold'],
    ['an input that is not a series', { inputs: 'one' }, 422, 'list of numbers'],
    ['an empty series', { inputs: [] }, 422, 'list of numbers'],
    ['a parameter of another type', { inputs: SERIES, parameters: { threshold: 'high' } }, 400, 'threshold'],
  ])('refuses %s in its own words', async (_what, body, status, words) => {
    const response = await post(JSON.stringify(body), { 'content-type': 'application/json' });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toContain(words);
  });

  it('decodes the files of its decoder', async () => {
    const response = await post(npyOf(SERIES), { 'content-type': 'application/x-npy' });
    expect(await response.json()).toEqual([SPIKE]);
  });

  it('refuses a damaged file of its decoder', async () => {
    const response = await post(npyOf(SERIES).subarray(0, 140), { 'content-type': 'application/x-npy' });
    expect(response.status).toBe(422);
    expect(((await response.json()) as { error: string }).error).toContain('cut short');
  });

  it('refuses a file of its decoder that ends in the header', async () => {
    const file = Buffer.from('\x93NUMPY\x02\x00\x00\x00', 'latin1');
    const response = await post(file, { 'content-type': 'application/x-npy' });
    expect(response.status).toBe(422);
    expect(((await response.json()) as { error: string }).error).toContain('no .npy file');
  });

  it('streams its answer to a client that accepts events, and answers in one piece else', async () => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const series = Array.from({ length: 3_000 }, (_, index) => (index % 1_000 === 500 ? 9 : 1));
    const response = await post(JSON.stringify({ inputs: series }), headers);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-model-version')).toBe('1');
    expect(await chunksOf(response)).toEqual([500, 1_500, 2_500].map((index) => ({ ...SPIKE, index })));
  });

  it('streams its answer chunk by chunk behind the URL of the function stream', async () => {
    const text = await readFile(join(clone, '.local/endpoint.json'), 'utf8');
    const { functionUrls } = JSON.parse(text) as { functionUrls: Record<string, string> };
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const response = await post(JSON.stringify({ inputs: SERIES }), headers, functionUrls.stream);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(await chunksOf(response)).toEqual([SPIKE]);
    const refused = await post(JSON.stringify({ inputs: 'one' }), headers, functionUrls.stream);
    expect(refused.status).toBe(422);
    const whole = await post(
      JSON.stringify({ inputs: SERIES }),
      { 'content-type': 'application/json' },
      functionUrls.stream,
    );
    expect(await whole.json()).toEqual([SPIKE]);
  });

  it('answers an error, and no stream, when its input is wrong', async () => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    expect((await post(JSON.stringify({ inputs: 'one' }), headers)).status).toBe(422);
  });

  it('is bundled with the functions, without its recipe', async () => {
    const script = `const { build } = await import('esbuild');
      const { bundleOptions } = await import(${JSON.stringify(pathToFileURL(join(clone, 'esbuild.config.ts')).href)});
      const { metafile } = await build({ ...bundleOptions, entryPoints: ['functions/infer/handler.ts'], outdir: 'out', metafile: true });
      console.log(JSON.stringify(Object.keys(metafile.inputs).filter((path) => path.startsWith('extensions/'))));`;
    const { output } = await run('--input-type=module', '-e', script);
    const bundled = JSON.parse(output.trim().split('\n').at(-1) ?? '') as string[];
    expect(bundled.sort()).toEqual(
      ['decoder', 'settings', 'task'].map((file) => `extensions/anomaly-detection/${file}.ts`),
    );
    const chunks = (await readdir(join(clone, 'out'))).filter((name) => name.endsWith('.mjs'));
    const code = await Promise.all(chunks.map((name) => readFile(join(clone, 'out', name), 'utf8')));
    expect(code.some((chunk) => chunk.includes('anomaly-detection'))).toBe(true);
  });

  it('may not have the name of a task of the project', async () => {
    const taken = join(clone, 'extensions/translation');
    await cp(`${EXAMPLE}/extension`, taken, { recursive: true });
    const { exitCode, output } = await run('cli/main.ts', 'list', '--store', '.');
    await rm(taken, { recursive: true });
    expect(exitCode).not.toBe(0);
    expect(output).toContain('extensions/translation has the name of a task of this project');
  });
});
