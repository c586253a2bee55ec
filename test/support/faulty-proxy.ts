import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Ways in which S3 fails. */
export const FAULTS = [
  'silence before headers',
  'stall after headers',
  'stall in the middle',
  'dribble',
  'reset',
  'early end',
  'short body',
  'wrong bytes',
  '503 SlowDown',
  '500 InternalError',
  '403 AccessDenied',
  '404 NoSuchKey',
] as const;

export type Fault = (typeof FAULTS)[number];

/** Requests that fail: all of a method and a path, or so many of them. */
export interface Rule {
  readonly fault: Fault;
  readonly method?: string;
  readonly url?: RegExp;
  readonly times?: number;
}

export interface FaultyProxy {
  readonly endpoint: string;
  /** Share of requests that fail, 0 to 1, in one of the ways of `soakFaults`. */
  faultRate: number;
  /** Ways in which the share of requests fails, one after the other. */
  soakFaults: readonly Fault[];
  /** The requests that fail from now on. */
  rules: readonly Rule[];
  /** Number of requests that failed. */
  readonly faults: number;
  /** Number of requests that came. */
  readonly requests: number;
  stop(): void;
}

const DRIBBLE_EVERY_MS = 100;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An error in the words of S3. */
const answerError = (outgoing: ServerResponse, status: number, code: string): void => {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>a fault</Message></Error>`;
  outgoing.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
};

/** Sends one byte at a time, until the reader has had enough. */
const dribble = (outgoing: ServerResponse, body: Buffer): void => {
  let sent = 0;
  const timer = setInterval(() => {
    if (!outgoing.destroyed && sent < body.length) outgoing.write(body.subarray(sent, sent + 1));
    else {
      clearInterval(timer);
      outgoing.end();
    }
    sent += 1;
  }, DRIBBLE_EVERY_MS);
};

/** Inverts the byte in the middle. */
const damaged = (body: Buffer): Buffer => {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 0xff;
  return copy;
};

/** Ways to send an answer wrongly; the others never ask S3. */
const SPOILED: Partial<Record<Fault, (outgoing: ServerResponse, answer: Answer) => void>> = {
  'stall after headers': (outgoing, { status, headers, body }) => {
    outgoing.writeHead(status, { ...headers, 'content-length': Math.max(1, body.length) }).flushHeaders();
  },
  'stall in the middle': (outgoing, { status, headers, body }) => {
    outgoing.writeHead(status, { ...headers, 'content-length': Math.max(1, body.length) });
    outgoing.flushHeaders();
    outgoing.write(body.subarray(0, body.length >> 1));
  },
  dribble: (outgoing, { status, headers, body }) => {
    outgoing.writeHead(status, { ...headers, 'content-length': Math.max(1, body.length) }).flushHeaders();
    dribble(outgoing, body.length === 0 ? Buffer.from(' ') : body);
  },
  'early end': (outgoing, { status, headers, body }) => {
    outgoing.writeHead(status, { ...headers, 'content-length': Math.max(1, body.length) });
    outgoing.flushHeaders();
    outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.socket?.destroySoon());
  },
  'short body': (outgoing, { status, headers, body }) => {
    const half = body.subarray(0, body.length >> 1);
    outgoing.writeHead(status, { ...headers, 'content-length': half.length }).end(half);
  },
  'wrong bytes': (outgoing, { status, headers, body }) => {
    outgoing.writeHead(status, headers).end(damaged(body));
  },
};

/** Answers that carry no body cannot be spoiled: they do not come. */
const fail = (fault: Fault, incoming: IncomingMessage, outgoing: ServerResponse, ask: () => Promise<Answer>): void => {
  const [, status, code] = /^(\d{3}) (\w+)$/.exec(fault) ?? [];
  if (fault === 'reset') incoming.socket.resetAndDestroy();
  else if (status !== undefined && code !== undefined) {
    incoming.resume();
    answerError(outgoing, Number(status), code);
  } else
    void ask()
      .then((answer) => {
        if (incoming.method === 'HEAD' || answer.status === 304) return;
        SPOILED[fault]?.(outgoing, answer);
      })
      .catch(() => outgoing.destroy());
};

/** Passes requests on to `target`, and lets some fail. */
export const startFaultyProxy = async (target: string): Promise<FaultyProxy> => {
  const { hostname, port } = new URL(target);
  const used = new Map<Rule, number>();
  let [faults, requests] = [0, 0];

  const open = (incoming: IncomingMessage): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method = 'GET', url = '/', headers } = incoming;
      incoming.pipe(request({ hostname, port, method, path: url, headers }, resolve).once('error', reject));
    });
  const faultOf = ({ method, url = '/' }: IncomingMessage): Fault | undefined => {
    const rule = proxy.rules.find(
      (each) =>
        (each.method ?? method) === method &&
        (each.url?.test(url) ?? true) &&
        (used.get(each) ?? 0) < (each.times ?? Number.POSITIVE_INFINITY),
    );
    if (rule) used.set(rule, (used.get(rule) ?? 0) + 1);
    return (
      rule?.fault ?? (Math.random() < proxy.faultRate ? proxy.soakFaults[faults % proxy.soakFaults.length] : undefined)
    );
  };

  const server = createServer((incoming, outgoing) => {
    requests += 1;
    const fault = faultOf(incoming);
    if (fault !== undefined) {
      faults += 1;
      fail(fault, incoming, outgoing, async () => {
        const answer = await open(incoming);
        return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
      });
      return;
    }
    open(incoming).then(
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
      () => outgoing.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const { port: ownPort } = server.address() as AddressInfo;
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${ownPort}`,
    faultRate: 0,
    soakFaults: ['500 InternalError', '503 SlowDown', 'reset'],
    rules: [],
    get faults() {
      return faults;
    },
    get requests() {
      return requests;
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
};
