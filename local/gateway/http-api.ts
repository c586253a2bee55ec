import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type HttpAnswer, toHttpAnswer, toHttpEvent } from './http-event.ts';

export interface HttpApiOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Invokes the function behind the API. */
  readonly invoke: (event: unknown) => Promise<unknown>;
  /** How long an HTTP API waits for its function. */
  readonly timeoutMs?: number;
}

export interface HttpApi {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** What an HTTP API takes, and what of it fits into an event for Lambda. */
const LARGEST_BODY_BYTES = 10 * 2 ** 20;
const LARGEST_EVENT_BYTES = 6_291_556;
const TIMEOUT_MS = 30_000;

/** What an HTTP API answers by itself. */
const refusal = (status: number, message: string): HttpAnswer => ({
  status,
  headers: new Map([['content-type', 'application/json']]),
  body: JSON.stringify({ message }),
});
const BAD_REQUEST = refusal(400, 'Bad Request');
const NOT_FOUND = refusal(404, 'Not Found');
const TOO_LARGE = refusal(413, 'Request Entity Too Large');
const FUNCTION_FAILED = refusal(500, 'Internal Server Error');
const FUNCTION_TOO_SLOW = refusal(503, 'Service Unavailable');

/** Undefined as soon as it is certain to be too large. */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Not destroyed: a client must be able to finish sending before it reads that this was too much.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    sizeBytes += (chunk as Buffer).byteLength;
    if (sizeBytes > LARGEST_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
};

const send = (request: IncomingMessage, response: ServerResponse, { status, headers, body }: HttpAnswer): void => {
  request.resume();
  response.statusCode = status;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.end(body);
};

/** The function as API Gateway's HTTP API puts it on the network: its events, its limits, and its answers when something is wrong. */
export const startHttpApi = async ({ port, invoke, timeoutMs = TIMEOUT_MS }: HttpApiOptions): Promise<HttpApi> => {
  const answerTo = async (request: IncomingMessage): Promise<HttpAnswer> => {
    if (/^\/?(\?|$)/.test(request.url ?? '')) return NOT_FOUND; // the route needs one segment at least
    const body = await readBody(request);
    if (!body) return TOO_LARGE;
    let event: APIGatewayProxyEventV2;
    try {
      event = toHttpEvent(request, body);
    } catch {
      return BAD_REQUEST;
    }
    if (Buffer.byteLength(JSON.stringify(event)) > LARGEST_EVENT_BYTES) return TOO_LARGE;
    let timer: NodeJS.Timeout | undefined;
    const tooSlow = new Promise<HttpAnswer>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, FUNCTION_TOO_SLOW);
    });
    const answered = invoke(event).then(toHttpAnswer, () => FUNCTION_FAILED);
    return Promise.race([answered, tooSlow]).finally(() => clearTimeout(timer));
  };

  const server = createServer((request, response) => {
    answerTo(request)
      .then((answer) => send(request, response, answer))
      // A status or a header that HTTP does not know is the function's fault; a client that has gone gets nothing.
      .catch(() => send(request, response, FUNCTION_FAILED));
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
};
