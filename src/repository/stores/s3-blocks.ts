import { type BlockConnection, type Origin, openBlockConnection, type ResponseHead } from './block-connection.ts';
import { type OpenedBody, operationSignal, receive } from './s3-patience.ts';
import { openObject, type ReadBucket } from './s3-read.ts';
import type { GetRequest, SignedRequest } from './s3-requests.ts';

const toText = ({ target, headers }: SignedRequest): string => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n');
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
 * Makes a reader of ranges that gives blocks; each is overwritten once the next is asked for. Its requests go through connections of their
 * own, whose memory is used again. An answer that is not the range is left to the SDK: it sends the request again, and those that follow.
 */
export const createBlockReader = (bucket: ReadBucket) => {
  const { requests, patience } = bucket;
  const pool = createPool();
  return async function* (key: string, start: number, end: number): AsyncGenerator<Uint8Array> {
    const operation = operationSignal(patience, end - start);
    let isLeftToSdk = false;
    let ifMatch: string | undefined;
    let connection: BlockConnection | undefined;
    const leave = (): void => {
      if (connection) pool.giveBack(connection);
      connection = undefined;
    };
    const askSdk = async (request: GetRequest, signal: AbortSignal): Promise<OpenedBody> => {
      const opened = await openObject(bucket, request, signal);
      ifMatch ??= opened.etag;
      return opened;
    };
    const open = async (position: number, signal: AbortSignal): Promise<OpenedBody> => {
      const request: GetRequest = { key, range: [position, end], ifMatch };
      if (isLeftToSdk) return askSdk(request, signal);
      const signed = await requests.sign(request);
      leave();
      connection = pool.take(signed.origin);
      const head = await connection.ask(toText(signed), patience.silenceMs);
      if (isAsked(head, position, end)) {
        ifMatch ??= head.headers.get('etag');
        return { body: connection.body };
      }
      connection.destroy();
      isLeftToSdk = true;
      requests.leaveToSdk();
      throw new Error(`S3 answered with the status ${head.status}`);
    };
    try {
      yield* receive(patience, operation, [start, end], open);
    } finally {
      leave();
    }
  };
};
