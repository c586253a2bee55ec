import type { IncomingMessage, ServerResponse } from 'node:http';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** The status and the headers of an answer. */
export interface HttpHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string | readonly string[]>;
}

export interface HttpAnswer extends HttpHead {
  readonly body: string | Buffer;
}

/** The headers of an answer, and those that a gateway adds. Caches need every reason to `vary`. */
export const joinHeaders = (own: HttpHead['headers'], more: HttpHead['headers']): HttpHead['headers'] => {
  const vary = [own.get('vary'), more.get('vary')].flat().filter((reason) => reason !== undefined);
  return new Map([...own, ...more, ...(vary.length > 0 ? [['vary', vary.join(', ')] as const] : [])]);
};

/** An answer of the gateway itself. */
export const refusal = (status: number, message: string): HttpAnswer => ({
  status,
  headers: new Map([['content-type', 'application/json']]),
  body: JSON.stringify({ message }),
});

export type StructuredResult = APIGatewayProxyStructuredResultV2;

const isStructured = (result: unknown): result is StructuredResult =>
  typeof result === 'object' && result !== null && 'statusCode' in result;

export const toHttpHead = (
  { statusCode = 200, headers = {}, cookies }: StructuredResult,
  contentType: string,
): HttpHead => {
  const all = new Map<string, string | readonly string[]>([['content-type', contentType]]);
  for (const [name, value] of Object.entries(headers)) all.set(name.toLowerCase(), String(value));
  if (cookies) all.set('set-cookie', cookies);
  return { status: statusCode, headers: all };
};

/** Makes the answer of what a function returned. A result without a `statusCode` is the body of a 200, as JSON. */
export const toHttpAnswer = (result: unknown): HttpAnswer => {
  if (!isStructured(result)) {
    const body = typeof result === 'string' ? result : JSON.stringify(result);
    return { status: 200, headers: new Map([['content-type', 'application/json']]), body };
  }
  const { body = '', isBase64Encoded = false } = result;
  return {
    ...toHttpHead(result, 'text/plain;charset=UTF-8'),
    body: isBase64Encoded ? Buffer.from(body, 'base64') : body,
  };
};

/** @throws Error when HTTP cannot express the status or a header */
export const writeHead = (response: ServerResponse, { status, headers }: HttpHead): void => {
  for (const name of response.getHeaderNames()) response.removeHeader(name); // of an answer that HTTP cannot express
  response.statusCode = status;
  for (const [name, value] of headers) response.setHeader(name, value);
};

/** A client that ends its half of the connection within this time behind its request still reads, as `nc -N` does. */
const STILL_READS_MS = 1000;

/** Aborts when the client of a request waits no more: it has gone, or has its answer. */
export const untilLeft = (response: ServerResponse): AbortSignal => {
  const left = new AbortController();
  const { socket } = response.req;
  const startMs = performance.now();
  const onEnd = (): void => {
    if (performance.now() - startMs > STILL_READS_MS) left.abort();
  };
  socket.once('end', onEnd);
  response.once('close', () => {
    socket.off('end', onEnd);
    left.abort();
  });
  return left.signal;
};

/** Reads on what the client still sends, so that it comes to see the answer. */
export const sendAnswer = (request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void => {
  request.resume();
  writeHead(response, answer);
  response.end(answer.body);
};
