import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

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
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  // A client of HTTP/1.0 may name none. A browser always does.
  if (host !== undefined && !LOCAL_HOST.test(host)) return `the host ${JSON.stringify(host)} is none`;
  if (isAllowed(request, origins)) return undefined;
  if (origin !== undefined && !LOCAL_HOST.test(origin.replace(/^https?:\/\//, '')))
    return `the origin ${JSON.stringify(origin)} is none`;
  return site === 'cross-site' ? 'a page of another site is none' : undefined;
};

/** The host and the path of a request line that has a whole URL, as clients of a proxy send it. */
const WHOLE_URL = /^https?:\/\/([^/?#]*)([^#]*)/i;

/** Puts the path in the place of a whole URL, whose host counts. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2 */
const toOriginForm = (request: IncomingMessage): void => {
  const [whole, host = '', rest = ''] = WHOLE_URL.exec(request.url ?? '') ?? [];
  if (whole === undefined) return;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = host;
  request.headersDistinct.host = [host];
};

interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** The reason to refuse a request before anything is done for it. Two hosts could be two servers on the way: RFC 9112 has them refused. */
const refusalOf = (
  request: IncomingMessage,
  originsOf: (request: IncomingMessage) => readonly string[],
): Refusal | undefined => {
  const hosts = request.headersDistinct.host?.length ?? 0;
  if (hosts > 1) return { status: 400, message: `the request has ${hosts} headers "host", expected one` };
  toOriginForm(request);
  const foreign = foreignPart(request, originsOf(request));
  return foreign === undefined
    ? undefined
    : { status: 403, message: `${foreign} of this machine; use localhost or 127.0.0.1` };
};

/** This server is no proxy. */
const refuseTunnel = (_request: IncomingMessage, socket: Duplex): void => {
  socket.on('error', () => undefined); // of a client that has gone
  // Nobody reads this socket, so that it would never see its client end.
  socket.end('HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () =>
    socket.destroy(),
  );
};

/**
 * A server for programs and pages of this machine. A request that the page of another site sends is answered with 403. A client may end its
 * half of the connection behind its request, as `nc -N` does. The wish for another protocol (`Upgrade`) is passed over.
 * @param originsOf the other sites whose pages may send a request
 */
export const createLocalServer = (
  listener: RequestListener,
  originsOf: (request: IncomingMessage) => readonly string[] = () => [],
): Server => {
  const server = createServer((request, response) => {
    const refusal = refusalOf(request, originsOf);
    if (refusal === undefined) return listener(request, response);
    request.resume();
    response.writeHead(refusal.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: refusal.message }));
  });
  server.on('connect', refuseTunnel);
  return Object.assign(server, { httpAllowHalfOpen: true }); // Node ends the whole connection otherwise
};

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
