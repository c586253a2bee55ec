import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
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
    timeoutSeconds: 20,
    environment: {},
    onLine: (line) => lines.push(line),
    ...options,
  });
  started.push(created);
  return created;
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
    expect(context.remainingMs > 0 && context.remainingMs <= 20_000).toBe(true);
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
    expect(lines.join('\n')).toContain('thrown by the handler');
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
    const probe = create({ timeoutSeconds: 0.5 });
    const pid = await pidOf(probe);
    await expect(probe.invoke({ action: 'block' })).rejects.toMatchObject({
      name: 'Sandbox.Timedout',
      message: 'Task timed out after 0.50 seconds',
    });
    expect(await pidOf(probe)).not.toBe(pid);
    await untilEnded(pid);
  });

  it('reports a module that does not load, each time', async () => {
    const broken = create({ modulePath: fixture('handlers/broken.mjs') });
    await expect(broken.init()).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    await expect(broken.invoke({})).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    expect(lines.join('\n')).toContain('this module does not load');
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
