import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FaultyProxy {
  readonly endpoint: string;
  /** Share of requests that fail, 0 to 1; may be changed at any time. */
  faultRate: number;
  /** Number of requests that failed. */
  readonly faults: number;
  stop(): void;
}

/** Ways in which S3 fails: an internal error, a request to slow down, a connection that breaks. */
const FAULTS = [500, 503, 'reset'] as const;

/** Passes requests on to `target`, and lets some fail. */
export const startFaultyProxy = async (target: string): Promise<FaultyProxy> => {
  const { hostname, port } = new URL(target);
  let faults = 0;
  const proxy = { faultRate: 0 };
  const server = createServer((incoming, outgoing) => {
    if (Math.random() < proxy.faultRate) {
      const fault = FAULTS[faults % FAULTS.length];
      faults += 1;
      if (fault === 'reset' || fault === undefined) incoming.destroy();
      else outgoing.writeHead(fault).end();
      return;
    }
    const { method = 'GET', url = '/', headers } = incoming;
    const forwarded = request({ hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.once('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.defineProperties(proxy, {
    endpoint: { value: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    faults: { get: () => faults },
    stop: {
      value: () => {
        server.closeAllConnections();
        server.close();
      },
    },
  }) as FaultyProxy;
};
