import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Background, ordinaryBackground } from '../serving/background.ts';

/** A background that is told when the answer to an invocation is out. */
export interface LambdaBackground extends Background {
  /** True if what follows an answer ends before the process is frozen. */
  readonly isKept: boolean;
  /** Wraps a handler, so that Lambda keeps the environment running until what the handler left behind has ended. */
  around<Args extends unknown[], Result>(
    handler: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result>;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html */
const EXTENSIONS_API = '/2020-01-01/extension';
const EXTENSION_NAME = 'background';
/** Lambda answers a registration at once; anything slower is something else. */
const REGISTER_TIMEOUT_MS = 1_000;
/** Work that takes longer keeps the environment no more, which is paid for meanwhile. It goes on while later invocations run. */
const LONGEST_HOLD_MS = 10_000;

const send = (
  runtimeApi: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
  signal?: AbortSignal,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const [hostname, port] = runtimeApi.split(':');
    const method = body === undefined ? 'GET' : 'POST';
    request({ hostname, port, path: `${EXTENSIONS_API}${path}`, method, headers, ...(signal && { signal }) }, resolve)
      .once('error', reject)
      .end(body);
  });

/** The identifier of this process as an internal extension; undefined where nothing answers as Lambda does. */
const register = async (runtimeApi: string): Promise<string | undefined> => {
  try {
    const headers = { 'Lambda-Extension-Name': EXTENSION_NAME, 'content-type': 'application/json' };
    const response = await send(
      runtimeApi,
      '/register',
      headers,
      JSON.stringify({ events: ['INVOKE'] }),
      AbortSignal.timeout(REGISTER_TIMEOUT_MS),
    );
    response.resume();
    const identifier = response.headers['lambda-extension-identifier'];
    return response.statusCode === 200 && typeof identifier === 'string' ? identifier : undefined;
  } catch {
    return undefined;
  }
};

/** Work that keeps the environment, each piece for `longestHoldMs` at most. */
const createHold = (longestHoldMs: number) => {
  const held = new Set<Promise<unknown>>();
  let whenReleased = (): void => {};
  return {
    hold(work: Promise<unknown>): void {
      const release = (): void => {
        clearTimeout(timer);
        held.delete(work);
        whenReleased();
      };
      const timer = setTimeout(release, longestHoldMs).unref();
      held.add(work);
      work.then(release, release);
    },
    async drained(): Promise<void> {
      while (held.size > 0) await new Promise<void>((resolve) => (whenReleased = resolve));
    },
  };
};

/**
 * Lambda freezes a process once it has answered, unless an extension has still to ask for its next event. So this process is its own
 * (internal) extension: it asks when the invocation is over and the work that it left behind has ended.
 *
 * @param runtimeApi host and port of Lambda's runtime API; without one, nobody freezes this process
 */
export const startBackground = async (
  runtimeApi: string | undefined,
  longestHoldMs = LONGEST_HOLD_MS,
): Promise<LambdaBackground> => {
  const identifier = runtimeApi === undefined ? undefined : await register(runtimeApi);
  if (runtimeApi === undefined || identifier === undefined)
    return { ...ordinaryBackground, isKept: runtimeApi === undefined, around: (handler) => handler };

  const { hold, drained } = createHold(longestHoldMs);
  let invocations = 0;
  let announced = 0;
  let whenEnded = (): void => {};

  const ended = async (): Promise<void> => {
    while (invocations < announced) await new Promise<void>((resolve) => (whenEnded = resolve));
  };
  const serveEvents = async (): Promise<void> => {
    for (;;) {
      const event = await send(runtimeApi, '/event/next', { 'Lambda-Extension-Identifier': identifier });
      await text(event);
      announced += 1;
      await ended();
      await drained();
    }
  };
  serveEvents().catch(() => {}); // the environment goes away

  return {
    isKept: true,
    hold,
    defer: (start) => {
      hold(
        new Promise<void>((resolve) => {
          setTimeout(
            () =>
              start()
                .catch(() => {})
                .finally(resolve),
            1,
          );
        }),
      );
    },
    around:
      (handler) =>
      (...args) =>
        handler(...args).finally(() => {
          invocations += 1;
          whenEnded();
        }),
  };
};
