import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { FunctionOptions } from '../../local/functions/function-options.ts';
import { createFunction, type FunctionProcess } from '../../local/functions/function-process.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

let lines: string[];
let started: FunctionProcess[] = [];

const create = (options: Partial<FunctionOptions> = {}): FunctionProcess => {
  lines = [];
  const created = createFunction({
    name: 'probe',
    modulePath: fixture('handlers/probe.mjs'),
    memoryMb: 512,
    timeoutSeconds: 200, // for what hangs
    environment: {},
    onLine: (line) => lines.push(line),
    ...options,
  });
  started.push(created);
  return created;
};

/** Waits for a line with this text: lines may come after the answer. */
const untilLogged = async (text: string): Promise<void> => {
  while (!lines.some((line) => line.includes(text))) await new Promise((wake) => setTimeout(wake, 10));
};

const pidOf = async (probe: FunctionProcess): Promise<number> =>
  ((await probe.invoke({ action: 'process' })) as { pid: number }).pid;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const untilEnded = async (pid: number): Promise<void> => {
  while (isRunning(pid)) await new Promise((wake) => setTimeout(wake, 10));
};

afterEach(async () => {
  await Promise.all(started.map((probe) => probe.stop()));
  started = [];
});

describe('a function process', () => {
  it('that cannot be started fails, and the next event starts another', async () => {
    const { execPath } = process;
    process.execPath = fixture('no-such-program');
    try {
      const probe = create();
      await expect(probe.invoke({})).rejects.toThrow('ENOENT');
      process.execPath = execPath;
      expect(await probe.invoke({ action: 'echo' })).toEqual({ action: 'echo' });
    } finally {
      process.execPath = execPath;
    }
  });

  it('answers what the handler returns, and null for nothing', async () => {
    const probe = create();
    expect(await probe.invoke({ action: 'echo', text: 'é', list: [1, null] })).toEqual({
      action: 'echo',
      text: 'é',
      list: [1, null],
    });
    expect(await probe.invoke({ action: 'nothing' })).toBeNull();
  });

  it('loads the module once, and hands on each line that it logs', async () => {
    const probe = create();
    await probe.init();
    await probe.invoke({ action: 'log', line: '{"structured": true}' });
    await probe.stop();
    await untilLogged('structured');
    expect(lines).toEqual(['init', '{"structured": true}']);
  });

  it("has Lambda's environment and the function's own, and nothing of this process", async () => {
    process.env.OF_THIS_PROCESS = 'secret';
    const environment = await create({ environment: { MODELS_BUCKET: 'models' } }).invoke({ action: 'environment' });
    delete process.env.OF_THIS_PROCESS;
    expect(environment).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'probe',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      MODELS_BUCKET: 'models',
      TZ: ':UTC',
    });
    expect(environment).not.toHaveProperty('OF_THIS_PROCESS');
  });

  it('gives the handler a context with the time that remains', async () => {
    const context = (await create().invoke({ action: 'context' })) as { remainingMs: number };
    expect(context).toMatchObject({
      functionName: 'probe',
      memoryLimitInMB: '512',
      awsRequestId: expect.stringMatching(/^[\da-f-]{36}$/),
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:probe',
    });
    expect(context.remainingMs > 0 && context.remainingMs <= 200_000).toBe(true);
  });

  it('leaves no time to an event for which nobody waits any more, and to the next one its own', async () => {
    const probe = create();
    const leaving = new AbortController();
    const left = probe.invoke({ action: 'untilNoTime' }, leaving.signal);
    const behind = probe.invoke({ action: 'untilNoTime' }, leaving.signal);
    const next = probe.invoke({ action: 'context' }, new AbortController().signal);
    await untilLogged('waiting');
    leaving.abort();
    expect([await left, await behind]).toEqual(['no time remains', 'no time remains']);
    expect(((await next) as { remainingMs: number }).remainingMs).toBeGreaterThan(0);
  });

  it('handles one event at a time', async () => {
    const probe = create();
    const overlaps = await Promise.all([1, 2, 3].map(() => probe.invoke({ action: 'overlap' })));
    expect(overlaps).toEqual([1, 1, 1]);
  });

  it('reports what the handler throws, logs it, and lives on', async () => {
    const probe = create();
    const pid = await pidOf(probe);
    await expect(probe.invoke({ action: 'throw' })).rejects.toMatchObject({
      name: 'TypeError',
      message: 'thrown by the handler',
    });
    expect(await pidOf(probe)).toBe(pid);
    await untilLogged('thrown by the handler');
  });

  it('refuses a response above 6 MB', async () => {
    await expect(create().invoke({ action: 'large' })).rejects.toMatchObject({ name: 'RangeError' });
  });

  it('is replaced when it ends', async () => {
    const probe = create();
    const pid = await pidOf(probe);
    await expect(probe.invoke({ action: 'exit' })).rejects.toMatchObject({
      name: 'Runtime.ExitError',
      message: 'Runtime exited with exit status 3',
    });
    expect(await pidOf(probe)).not.toBe(pid);
  });

  it('is ended and replaced when it takes too long, even when it blocks its thread', async () => {
    const probe = create({ timeoutSeconds: 2 });
    const pid = await pidOf(probe);
    await expect(probe.invoke({ action: 'block' })).rejects.toMatchObject({
      name: 'Sandbox.Timedout',
      message: 'Task timed out after 2.00 seconds',
    });
    expect(await pidOf(probe)).not.toBe(pid);
    await untilEnded(pid);
  });

  it('reports a module that does not load, each time', async () => {
    const broken = create({ modulePath: fixture('handlers/broken.mjs') });
    await expect(broken.init()).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    await expect(broken.invoke({})).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    await untilLogged('this module does not load');
  });

  it('is gone after stop, with the event that it was handling', async () => {
    const probe = create();
    const pid = await pidOf(probe);
    const blocked = expect(probe.invoke({ action: 'block' })).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    const waiting = expect(probe.invoke({ action: 'echo' })).rejects.toMatchObject({ name: 'Runtime.Stopped' });
    await new Promise((wake) => setTimeout(wake, 50));
    await probe.stop();
    await Promise.all([blocked, waiting]);
    expect(isRunning(pid)).toBe(false);
  });

  it('is ended and replaced when it takes more memory than its limit', async () => {
    const probe = create({ memoryMb: 128 });
    const pid = await pidOf(probe);
    await expect(probe.invoke({ action: 'hoard' })).rejects.toMatchObject({
      name: 'Runtime.OutOfMemory',
      message: 'Runtime exited with error: signal: killed',
    });
    expect(lines.join('\n')).toMatch(/probe: Runtime exited .* Error Type: Runtime.OutOfMemory. Memory Size: 128 MB/);
    expect(await pidOf(probe)).not.toBe(pid);
  });

  it('refuses invocations beyond its reserved concurrency', async () => {
    const probe = create({ reservedConcurrency: 2 });
    const running = [probe.invoke({ action: 'overlap' }), probe.invoke({ action: 'overlap' })];
    await expect(probe.invoke({ action: 'overlap' })).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    expect(await Promise.all(running)).toEqual([1, 1]);
    expect(await probe.invoke({ action: 'overlap' })).toBe(1);
  });

  it('calls the handler by its name', async () => {
    const named = create({ modulePath: fixture('handlers/streaming.mjs'), handlerName: 'pid' });
    expect(await named.invoke({})).toEqual(expect.any(Number));
  });

  it('does not start when the module has no handler of that name', async () => {
    const named = create({ handlerName: 'absent' });
    await expect(named.init()).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    await untilLogged('exports no function absent');
  });

  it('says which setting is wrong when it does not start, without a stack', async () => {
    const environment = { MODELS_BUCKET: 'models', DATA_BUCKET: 'data', MODEL_MEMORY_SHARE: 'half' };
    const wrong = create({ modulePath: fixture('../../functions/infer/handler.ts'), environment });
    await expect(wrong.init()).rejects.toThrow('MODEL_MEMORY_SHARE is half, expected a share above 0 and up to 1');
    expect(lines).toEqual([]);
  });

  it('does not outlive the process that started it', async () => {
    const parent = spawn(process.execPath, [fixture('parent-of-function.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [pid] = await once(createInterface({ input: parent.stdout }), 'line');
    expect(isRunning(Number(pid))).toBe(true);
    parent.kill('SIGKILL');
    await untilEnded(Number(pid));
  });
});

describe('a function that streams', () => {
  const createStreaming = (options: Partial<FunctionOptions> = {}): FunctionProcess =>
    create({ modulePath: fixture('handlers/streaming.mjs'), ...options });

  const stream = async (probe: FunctionProcess, event: unknown) => {
    const answer = await probe.invokeStreaming(event);
    if (answer.kind !== 'stream') throw new Error('the function has returned a result');
    return answer;
  };

  it('gives its content type and its bytes', async () => {
    const probe = createStreaming();
    const { contentType, body } = await stream(probe, { action: 'text' });
    expect(contentType).toBe('text/plain');
    expect(await text(body)).toBe('one two');
    expect(await buffer((await stream(probe, { action: 'bytes' })).body)).toEqual(Buffer.from([255, 0, 1]));
  });

  it('gives the first chunk before it writes the last one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'turns-'));
    const file = join(folder, 'read');
    const { body } = await stream(createStreaming(), { action: 'turns', file });
    const chunks = [];
    for await (const chunk of body) {
      chunks.push(String(chunk));
      await writeFile(file, '');
    }
    expect(chunks).toEqual(['first', 'second']);
    await rm(folder, { recursive: true });
  });

  it('puts status, headers and cookies before the body, with eight zero bytes between them', async () => {
    const { contentType, body } = await stream(createStreaming(), { action: 'structured' });
    expect(contentType).toBe('application/vnd.awslambda.http-integration-response');
    const head = { statusCode: 201, headers: { 'content-type': 'text/csv', 'x-a': 'b' }, cookies: ['c=1', 'd=2'] };
    expect(await text(body)).toBe(`${JSON.stringify(head)}${'\0'.repeat(8)}a,b\n1,2\n`);
  });

  it('cannot set its content type after the first write', async () => {
    const { contentType, body } = await stream(createStreaming(), { action: 'late' });
    expect(contentType).toBe('application/octet-stream');
    expect(await text(body)).toBe('xCannot set content-type, too late.');
  });

  it('writes an object as JSON', async () => {
    expect(await text((await stream(createStreaming(), { action: 'object' })).body)).toBe('{"a":1}');
  });

  it('is joined to one result where streams are not taken', async () => {
    const probe = createStreaming();
    expect(await probe.invoke({ action: 'text' })).toBe('one two');
    expect(await probe.invoke({ action: 'json' })).toEqual({ a: 1 });
  });

  it('is refused above 6 MB where streams are not taken, and lives on', async () => {
    const probe = createStreaming();
    await expect(probe.invoke({ action: 'fill', chunks: 100 })).rejects.toMatchObject({
      name: 'Function.ResponseSizeTooLarge',
    });
    expect(await probe.invoke({ action: 'text' })).toBe('one two');
  });

  it('is cut off above 200 MB', async () => {
    const { body } = await stream(createStreaming(), { action: 'fill', chunks: 3300 });
    await expect(buffer(body)).rejects.toMatchObject({ name: 'RangeError' });
  });

  it('fails as a whole when it throws before the first chunk', async () => {
    await expect(createStreaming().invokeStreaming({ action: 'throwBefore' })).rejects.toMatchObject({
      name: 'TypeError',
      message: 'thrown before the head',
    });
  });

  it.each([
    ['throwBetween', { name: 'TypeError', message: 'thrown after the head' }],
    ['exitBetween', { name: 'Runtime.ExitError', message: 'Runtime exited with exit status 3' }],
  ])('fails on the way after %s, and is there for the next event', async (action, error) => {
    const probe = createStreaming();
    const { body } = await stream(probe, { action });
    await expect(text(body)).rejects.toMatchObject(error);
    expect(await probe.invoke({ action: 'text' })).toBe('one two');
  });

  it('keeps an answer that is whole when it throws after the end', async () => {
    const probe = createStreaming();
    expect(await probe.invoke({ action: 'throwAfter' })).toBe('whole');
    expect(await probe.invoke({ action: 'text' })).toBe('one two');
    await untilLogged('thrown after the end');
  });

  it('runs into its timeout when it never ends its stream', async () => {
    const { body } = await stream(createStreaming({ timeoutSeconds: 2 }), { action: 'endless' });
    await expect(text(body)).rejects.toMatchObject({ name: 'Sandbox.Timedout' });
  });

  it('waits for whoever reads it', async () => {
    const { body } = await stream(createStreaming({ timeoutSeconds: 2 }), { action: 'fill', chunks: 1000 });
    await once(body, 'error');
    expect(lines).not.toContain('filled');
  });

  it.each([
    ['waits', { action: 'untilGone' }],
    ['writes', { action: 'fill', chunks: 1_000_000 }],
  ])('is told when nobody reads it any more, while it %s', async (_what, event) => {
    const probe = createStreaming();
    (await stream(probe, event)).body.destroy();
    expect(await probe.invoke({ action: 'text' })).toBe('one two');
    if (event.action === 'untilGone') await untilLogged('gone');
    expect(lines.join('\n')).not.toMatch(/filled|Invoke Error/);
  });
});
