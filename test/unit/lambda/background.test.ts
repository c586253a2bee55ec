import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startBackground } from '../../../src/lambda/background.ts';

/** Lambda's Extensions API, as far as one extension needs it. */
let api: Server;
let address: string;
let registrations: { name: string | undefined; events: string }[];
/** Requests for the next event that wait for an answer. */
let waiting: ServerResponse[];

beforeEach(async () => {
  registrations = [];
  waiting = [];
  api = createServer((request, response) => {
    if (request.url === '/2020-01-01/extension/register') {
      request.on('data', (body: Buffer) => {
        registrations.push({ name: request.headers['lambda-extension-name'] as string, events: String(body) });
        response.setHeader('lambda-extension-identifier', 'an-identifier').end('{}');
      });
    } else if (request.headers['lambda-extension-identifier'] === 'an-identifier') waiting.push(response);
    else response.writeHead(403).end();
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  address = `127.0.0.1:${(api.address() as AddressInfo).port}`;
});
afterEach(() => {
  api.closeAllConnections();
  api.close();
});

/** Long enough for what must not happen to happen, were it wrong. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const isWaiting = () => until(() => waiting.length === 1);
/** Announces an invocation to the extension, as Lambda does at the same time as to the runtime. */
const announce = async (): Promise<void> => {
  await isWaiting();
  waiting.shift()?.end('{"eventType":"INVOKE"}');
};

const work = () => {
  let end = (): void => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { done, end };
};

describe('on Lambda', () => {
  it('this process registers as an extension that hears of invocations', async () => {
    const { isKept } = await startBackground(address);

    expect(isKept).toBe(true);
    expect(registrations).toEqual([{ name: 'background', events: '{"events":["INVOKE"]}' }]);
  });

  it('the environment is kept until deferred work has ended', async () => {
    const background = await startBackground(address);
    const { done, end } = work();
    const handler = background.around(async () => {
      background.defer(() => done);
      return 'answer';
    });

    await announce();
    expect(await handler()).toBe('answer');
    await settle();
    expect(waiting).toHaveLength(0); // not asked for the next event: Lambda goes on

    end();
    await isWaiting();
  });

  it('work that fails keeps nothing', async () => {
    const background = await startBackground(address);
    await announce();

    await background.around(async () => {
      background.defer(async () => {
        throw new Error('failed');
      });
      background.hold(Promise.reject(new Error('failed too')));
    })();

    await isWaiting();
  });

  it('work that hangs keeps the environment once, and no later invocation', async () => {
    const background = await startBackground(address, 50);
    const hanging = new Promise(() => {});
    await announce();
    await background.around(async () => background.hold(hanging))();
    await isWaiting();

    await announce();
    await background.around(async () => 'answer')();

    await isWaiting(); // the hanging work does not keep it again
  });

  it.each(['before', 'after'])('an invocation may be announced %s it is handled', async (order) => {
    const background = await startBackground(address);
    const handler = background.around(async () => 'answer');

    for (const _invocation of [1, 2, 3]) {
      if (order === 'before') await announce();
      await handler();
      if (order === 'after') await announce();
      await isWaiting();
    }
  });

  it('a handler that fails ends its invocation', async () => {
    const background = await startBackground(address);
    const handler = background.around(() => Promise.reject(new Error('failed')));
    await announce();

    await expect(handler()).rejects.toThrow('failed');
    await isWaiting();
  });
});

describe('anywhere else', () => {
  it.each([
    ['without a runtime API, where nobody freezes the process', undefined, true],
    ['with one that does not answer, unless the process is frozen', '127.0.0.1:1', false],
  ])('work goes on %s', async (_where, runtimeApi, isKept) => {
    const background = await startBackground(runtimeApi);
    expect(background.isKept).toBe(isKept);
    let ran = false;

    await background.around(async () => {
      background.defer(async () => {
        ran = true;
      });
      expect(ran).toBe(false);
    })();

    await until(() => ran);
  });
});
