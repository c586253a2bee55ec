import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';

/** The answer of a function to an invocation, as Lambda's runtime API gets it. */
export interface PostedAnswer {
  readonly headers: IncomingMessage['headers'];
  readonly trailers: IncomingMessage['trailers'];
  /** The bytes as they came, a chunk for each write that reached this process alone. */
  readonly chunks: readonly Buffer[];
}

export interface RuntimeApi {
  /** Host and port, for `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string;
  /** Invokes the function, and resolves to its answer. */
  invoke(event: unknown, remainingMs: number): Promise<PostedAnswer>;
  stop(): void;
}

interface Waiting {
  readonly event: unknown;
  readonly remainingMs: number;
  readonly answered: (answer: PostedAnswer) => void;
}

const readAnswer = async (request: IncomingMessage, { answered }: Waiting): Promise<void> => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(request, 'close');
  answered({ headers: request.headers, trailers: request.trailers, chunks });
};

/** Plays the part of Lambda's runtime API that a function needs. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
export const startRuntimeApi = async (): Promise<RuntimeApi> => {
  const queue: Waiting[] = [];
  const underWay = new Map<string, Waiting>();
  let wake = (): void => {};
  let invocations = 0;

  const server: Server = createServer(async (request, response) => {
    const { url = '' } = request;
    if (url.endsWith('/invocation/next')) {
      while (queue.length === 0) await new Promise<void>((woken) => (wake = woken));
      const waiting = queue.shift();
      if (waiting === undefined) return;
      invocations += 1;
      underWay.set(`invocation-${invocations}`, waiting);
      response.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': `invocation-${invocations}`,
        'lambda-runtime-deadline-ms': String(Date.now() + waiting.remainingMs),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:stream',
      });
      response.end(JSON.stringify(waiting.event));
      return;
    }
    const [, id = ''] = /\/invocation\/([^/]+)\/(?:response|error)$/.exec(url) ?? [];
    const waiting = underWay.get(id);
    if (waiting) await readAnswer(request, waiting);
    else request.resume();
    response.writeHead(waiting ? 202 : 404).end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the runtime API listens on no port');

  return {
    address: `127.0.0.1:${address.port}`,
    invoke: (event, remainingMs) =>
      new Promise((answered) => {
        queue.push({ event, remainingMs, answered });
        wake();
      }),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
