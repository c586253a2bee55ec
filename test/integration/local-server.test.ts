import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type LocalEndpoint, parseEndpoint } from '../../local/local-endpoint.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(PROJECT, 'local', 'main.ts');
const PHOTO = join(PROJECT, 'models', 'efficientnet-lite0', 'samples', 'coffee.jpg');

/** `npm start`, in a directory of its own. */
interface Run {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<number | null>;
}

const run = (directory: string, port: number | string, ...args: readonly string[]): Run => {
  const environment = { ...process.env, PORT: String(port) };
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => lines.push(line));
  return { child, lines, ended: once(child, 'close').then(([status]) => status) };
};

const until = async <T>(read: () => Promise<T | undefined> | T | undefined, { lines, child }: Run): Promise<T> => {
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (child.exitCode !== null) throw new Error(`npm start ended:\n${lines.join('\n')}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
};

const untilReady = async (started: Run, directory: string): Promise<LocalEndpoint> => {
  await until(() => started.lines.find((line) => line.startsWith('Serving on ')), started);
  return parseEndpoint(await readFile(join(directory, '.local', 'endpoint.json'), 'utf8'));
};

const interrupt = ({ child, ended }: Run): Promise<number | null> => {
  child.kill('SIGINT');
  return ended;
};

/** `pgrep` is everywhere but in slim Linux images. */
const childrenOf = async ({ child: { pid } }: Run): Promise<number[]> => {
  const children =
    process.platform === 'linux'
      ? await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
      : (await promisify(execFile)('pgrep', ['-P', String(pid)])).stdout;
  return children.trim().split(/\s+/).map(Number);
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const labels = (result: unknown): string[] => (result as { label: string }[]).map(({ label }) => label);

describe('npm start', () => {
  let directory: string;
  let started: Run;
  let local: LocalEndpoint;
  let photo: Uint8Array<ArrayBuffer>;

  const classify = () =>
    fetch(`${local.endpoint}/models/efficientnet-lite0`, {
      method: 'POST',
      body: photo,
      headers: { 'content-type': 'image/jpeg' },
    });

  const objectUrl = (key: string): string =>
    `${local.s3Endpoint}/${local.dataBucket}/${key.split('/').map(encodeURIComponent).join('/')}`;

  const untilResult = (name: string) =>
    until(async () => {
      const response = await fetch(objectUrl(`results/efficientnet-lite0/${name}.json`));
      return response.ok ? ((await response.json()) as { status: string; result: unknown }) : undefined;
    }, started);

  beforeAll(async () => {
    photo = new Uint8Array(await readFile(PHOTO));
    directory = await mkdtemp(join(tmpdir(), 'npm-start-'));
    started = run(directory, 0);
    local = await untilReady(started, directory);
  });

  afterAll(async () => {
    await interrupt(started);
    await rm(directory, { recursive: true });
  });

  it('labels a photo with the sample model that it pushed', async () => {
    const response = await classify();
    expect(response.status).toBe(200);
    expect(response.headers.get('x-model-version')).toBe('1');
    expect(labels(await response.json())[0]).toBe('espresso');
  });

  it('prints commands that work as they are', async () => {
    const commands = started.lines.filter((line) => line.startsWith('  curl '));
    expect(commands).toHaveLength(4);
    const outputs = [];
    for (const command of commands) {
      const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: PROJECT });
      outputs.push(stdout);
    }
    expect(outputs[0]).toContain('espresso');
    expect(outputs[1]).toMatch(/^\[\[\{"label":"POSITIVE","score":0\.99/);
    expect(outputs[3]).toContain('espresso');
  });

  it('lists its functions with their events', () => {
    const at = started.lines.findIndex((line) => line.startsWith('Serving on '));
    expect(started.lines.slice(at + 1, at + 15)).toEqual([
      '  infer      ANY /{proxy+}',
      '  docs       ANY /',
      '  docs       ANY /reference',
      '  docs       ANY /docs/{proxy+}',
      '  docs       GET /openapi.json',
      '  docs       HEAD /openapi.json',
      '  on-upload  messages of UploadQueue',
      '  job        messages of JobQueue',
      '  webhook    messages of WebhookQueue',
      '  monitor    rate(1 minute)',
      '  monitor    rate(5 minutes)',
      '  monitor    rate(1 hour)',
      expect.stringMatching(/^ {2}stream {5}http:\/\/127\.0\.0\.1:\d+$/),
      '',
    ]);
  });

  it.each(['a b+c.jpg', 'naïve-猫.jpg', 'folder/100%.jpg'])('answers the photo %s beside it', async (name) => {
    const put = await fetch(objectUrl(`uploads/efficientnet-lite0/${name}`), { method: 'PUT', body: photo });
    expect(put.status).toBe(200);
    const { status, result } = await untilResult(name);
    expect(status).toBe('succeeded');
    expect(labels(result)[0]).toBe('espresso');
  });

  it('prints one structured line for a request, and no metrics', async () => {
    const before = started.lines.length;
    const requestId = (await classify()).headers.get('x-request-id') ?? 'none';
    const line = await until(() => started.lines.slice(before).find((text) => text.includes(requestId)), started);
    expect(JSON.parse(line)).toMatchObject({ message: 'request', model: 'efficientnet-lite0', version: 1 });
    expect(started.lines.filter((text) => text.includes('"_aws"'))).toEqual([]);
  });

  it('serves its metrics to Prometheus on a port of their own', async () => {
    const read = async (): Promise<string> => (await fetch(`${local.metricsEndpoint}/metrics`)).text();
    const countOf = (text: string): number =>
      Number(/^onnx_serverless_requests_total\{.*model="efficientnet-lite0".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
    const before = countOf(await read());
    await classify();
    const text = await until(async () => {
      const now = await read();
      return countOf(now) > before ? now : undefined;
    }, started);
    expect(text).toMatch(/^onnx_serverless_run_time_milliseconds_sum\{.*version="1".*\} [\d.]+$/m);
    expect((await fetch(local.metricsEndpoint)).status).toBe(404);
  });

  it('refuses to start twice on the same state, and leaves the first one alone', async () => {
    const second = run(directory, 0);
    expect(await second.ended).toBe(1);
    expect(second.lines.join('\n')).toBe(`already serving on ${local.endpoint} (pid ${local.pid})`);
    await expect(access(join(directory, '.local', 'endpoint.json'))).resolves.toBeUndefined();
    expect((await classify()).status).toBe(200);
  });

  it('keeps models, uploads and results over a restart, and loads anew', async () => {
    expect(await interrupt(started)).toBe(0);
    started = run(directory, 0);
    local = await untilReady(started, directory);
    expect(started.lines.some((line) => line.startsWith('Pushed'))).toBe(false);
    expect((await fetch(objectUrl('results/efficientnet-lite0/a b+c.jpg.json'))).status).toBe(200);
    expect((await classify()).headers.get('x-model-version')).toBe('1');
  });

  it('leaves no process and no endpoint behind after Ctrl-C', async () => {
    const functions = await childrenOf(started);
    expect(functions).toHaveLength((await readdir('functions')).length);
    expect(await interrupt(started)).toBe(0);
    expect(functions.filter(isRunning)).toEqual([]);
    await expect(access(join(directory, '.local', 'endpoint.json'))).rejects.toThrow('ENOENT');
    await expect(fetch(local.endpoint)).rejects.toThrow();
  });
});

/** Takes `port`; undefined when somebody else has it. */
const take = (port: number): Promise<Server | undefined> => {
  const server = createServer();
  return once(server.listen(port, '127.0.0.1'), 'listening').then(
    () => server,
    () => undefined,
  );
};

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Takes two ports that follow each other. */
const takePair = async (): Promise<readonly [Server, Server]> => {
  for (;;) {
    const first = await take(0);
    const second = first && (await take(portOf(first) + 1));
    if (first && second) return [first, second];
    first?.close();
  }
};

describe('npm start that cannot', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'npm-start-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('use PORT says so, and where S3 is when the port after it is taken too', async () => {
    const taken = await takePair();
    const [port, next] = [portOf(taken[0]), portOf(taken[1])];
    const { ended, lines } = run(directory, port);
    expect(await ended).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(`^Port ${next} is in use: S3 and SQS are on http://127.0.0.1:[0-9]+ instead$`),
      expect.stringMatching(`^Port ${port} is in use. .*PORT=`),
    ]);
    for (const server of taken) server.close();
  });

  it('use port 3000 says so when PORT is empty', async () => {
    const taken = await take(3000);
    const { ended, lines } = run(directory, '');
    expect(await ended).toBe(1);
    expect(lines.at(-1)).toContain('Port 3000 is in use');
    taken?.close();
  });

  it('read PORT says what it is', async () => {
    const { ended, lines } = run(directory, 'three');
    expect(await ended).toBe(1);
    expect(lines).toEqual(['PORT is three, expected a number from 0 to 65535']);
  });

  it.each([
    ['--param=memroy=3008', /^serverless.yml: there is no parameter memroy. There are: .*, memory, .*$/],
    ['--param=memory=64', /^serverless.yml: the parameter memory is "64", expected a whole number from 128 to 10240$/],
    [
      '--param=auth=nome',
      /^serverless.yml: the parameter auth is "nome", expected aws_iam or key or jwt or key_or_jwt or none$/,
    ],
    ['--param=memory', /^--param memory: expected npm start -- --param="<name>=<value>", as often as needed$/],
    ['--memory=3008', /^Unknown option '--memory': expected npm start -- --param=/],
  ])('take %s says why', async (argument, message) => {
    const { ended, lines } = run(directory, 0, argument);
    expect(await ended).toBe(1);
    expect(lines).toEqual([expect.stringMatching(message)]);
  });
});
