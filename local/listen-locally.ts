import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';

export interface Listening {
  readonly endpoint: string;
  /** Ends the connections that are open, too. */
  stop(): Promise<void>;
}

/** Names of this machine alone, with or without a port. */
const LOCAL_HOST = /^(?:(?:[\w-]+\.)*localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/** True for the page of an origin that a setting lets in. */
const isAllowed = ({ headers: { origin } }: IncomingMessage, origins: readonly string[]): boolean =>
  origin !== undefined && (origins.includes('*') || origins.includes(origin));

/**
 * The reason to refuse a request that the page of another site makes a browser send. It has a foreign `Origin`, or a foreign name that
 * leads to this machine (DNS rebinding). Programs on this machine send no `Origin`, and the address that they were given.
 */
const foreignPart = (request: IncomingMessage, origins: readonly string[]): string | undefined => {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  if (!LOCAL_HOST.test(host)) return `the host ${JSON.stringify(host)} is none`;
  if (isAllowed(request, origins)) return undefined;
  if (origin !== undefined && !LOCAL_HOST.test(origin.replace(/^https?:\/\//, '')))
    return `the origin ${JSON.stringify(origin)} is none`;
  return site === 'cross-site' ? 'a page of another site is none' : undefined;
};

/**
 * A server for programs and pages of this machine. A request that the page of another site sends is answered with 403.
 * @param originsOf the other sites whose pages may send a request
 */
export const createLocalServer = (
  listener: RequestListener,
  originsOf: (request: IncomingMessage) => readonly string[] = () => [],
): Server =>
  createServer((request, response) => {
    const foreign = foreignPart(request, originsOf(request));
    if (foreign === undefined) return listener(request, response);
    request.resume();
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: `${foreign} of this machine; use localhost or 127.0.0.1` }));
  });

const endpointOf = (server: Server): string => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return `http://127.0.0.1:${address.port}`;
};

/** Makes `server` listen on the loopback address; port 0 takes any free one. @throws when the port is taken. */
export const listenLocally = async (server: Server, port: number): Promise<Listening> => {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    endpoint: endpointOf(server),
    stop: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
};
