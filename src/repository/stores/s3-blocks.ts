import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type BlockConnection, type Origin, openBlockConnection, type ResponseHead } from './block-connection.ts';
import type { Bucket } from './s3-bucket.ts';
import { type OpenedBody, operationSignal, receive, TRIES, type Tries } from './s3-patience.ts';
import { openObject, toCommand } from './s3-read.ts';

/** The parts of a signed request that are sent. */
interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Has the SDK make and sign the request, and not send it. */
const sign = async (client: S3Client, command: GetObjectCommand): Promise<SignedRequest> => {
  let signed: unknown;
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        signed = request;
        return { response: undefined, output: { $metadata: {} } };
      },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await client.send(command);
  return signed as SignedRequest;
};

const originOf = ({ protocol, hostname, port }: SignedRequest): Origin => {
  const isSecure = protocol === 'https:';
  // A URL has an IPv6 address in brackets, a socket has it without.
  return { isSecure, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: port ?? (isSecure ? 443 : 80) };
};

const toText = ({ path, query, headers }: SignedRequest): string => {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path}?${parameters} HTTP/1.1`, ...lines, '', ''].join('\r\n');
};

/** Connections that are kept while any of them is used. */
const createPool = () => {
  let idle: BlockConnection[] = [];
  let used = 0;
  return {
    take: (origin: Origin): BlockConnection => {
      used += 1;
      for (let connection = idle.pop(); connection; connection = idle.pop()) {
        if (connection.isIdle() && connection.origin.hostname === origin.hostname) return connection;
        connection.destroy();
      }
      return openBlockConnection(origin);
    },
    giveBack: (connection: BlockConnection): void => {
      used -= 1;
      if (connection.isIdle()) idle.push(connection);
      else connection.destroy();
      if (used > 0) return;
      for (const each of idle) each.destroy();
      idle = [];
    },
  };
};

/** Tells whether the answer has the bytes from `start` on, and none from `end` on; its length must be that of its range. */
const isAsked = ({ status, headers }: ResponseHead, start: number, end: number): boolean => {
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(headers.get('content-range') ?? '') ?? [];
  return (
    status === 206 &&
    Number(first) === start &&
    Number(last) < end &&
    headers.get('content-length') === String(Number(last) - start + 1) &&
    !headers.has('transfer-encoding')
  );
};

/**
 * Makes a reader of ranges that gives blocks; each is overwritten once the next is asked for. The SDK signs its requests. They go through connections
 * of their own, whose memory is used again. An answer that is not the range is left to the SDK: it sends the request again, and those that follow.
 */
export const createBlockReader = (bucket: Bucket) => {
  const { client, patience } = bucket;
  const pool = createPool();
  return async function* (key: string, start: number, end: number): AsyncGenerator<Uint8Array> {
    const operation = operationSignal(patience, end - start);
    const tries: Tries = { count: 1 };
    let isLeftToSdk = false;
    let etag: string | undefined;
    let connection: BlockConnection | undefined;
    const leave = (): void => {
      if (connection) pool.giveBack(connection);
      connection = undefined;
    };
    const askSdk = async (position: number): Promise<OpenedBody> => {
      const opened = await openObject(bucket, key, [position, end], { IfMatch: etag }, operation);
      etag ??= opened.answer.ETag;
      return opened;
    };
    const open = async (position: number): Promise<OpenedBody> => {
      if (isLeftToSdk) return askSdk(position);
      const request = await sign(client, toCommand(bucket, key, [position, end], { IfMatch: etag }));
      leave();
      connection = pool.take(originOf(request));
      const head = await connection.ask(toText(request), patience.silenceMs);
      if (isAsked(head, position, end)) {
        etag ??= head.headers.get('etag');
        return { body: connection.body };
      }
      connection.destroy();
      if (tries.count === TRIES) throw new Error(`S3 answered with the status ${head.status}, after ${TRIES} requests`);
      tries.count += 1;
      isLeftToSdk = true;
      return askSdk(position);
    };
    try {
      yield* receive(patience, operation, [start, end], open, tries);
    } finally {
      leave();
    }
  };
};
