import { connect, isIP, type Socket } from 'node:net';
import { createProgress } from '../../core/progress.ts';
import { createBlockQueue } from './block-queue.ts';

const HEAD_END = '\r\n\r\n';
const MOST_HEAD_BYTES = 64 * 1024;
/** A silence is measured in so many steps. A process that was frozen, or computed meanwhile, has waited for one of them. */
export const SILENCE_STEPS = 4;

export interface Origin {
  readonly isSecure: boolean;
  readonly hostname: string;
  readonly port: number;
}

/** The head of an answer; the names of headers are in lower case. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** A body that comes in blocks. A block is overwritten once the next is asked for. */
export interface BlockBody extends AsyncIterable<Uint8Array> {
  /** Bytes that have come, those of blocks that are not full among them. */
  readonly receivedBytes: () => number;
  destroy(error: Error): void;
}

/** A connection of HTTP/1.1 for one request at a time. */
export interface BlockConnection {
  readonly origin: Origin;
  /** Sends a request without a body. @throws errors of the connection, and when no head of an answer comes within `silenceMs` */
  ask(request: string, silenceMs: number): Promise<ResponseHead>;
  /** The body of the answer. Its iterator throws errors of the connection, after all bytes that came before. */
  readonly body: BlockBody;
  /** Tells whether the last answer has come whole and is read to its end, and the connection is open for another one. */
  isIdle(): boolean;
  destroy(): void;
}

const parseHead = (text: string): ResponseHead => {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]), headers: new Map(headers) };
};

/** Takes the bytes of answers apart, into blocks. */
const createReceiver = () => {
  const blocks = createBlockQueue();
  let head: ResponseHead | undefined;
  /** Bytes of the body that have not come. */
  let leftBytes = 0;
  let receivedBytes = 0;

  const takeHead = (bytes: Buffer): void => {
    const end = bytes.indexOf(HEAD_END);
    if (end === -1 && bytes.byteLength > MOST_HEAD_BYTES) throw new Error('the head of the answer is too long');
    if (end === -1) return;
    head = parseHead(bytes.toString('latin1', 0, end));
    blocks.skip(end + HEAD_END.length);
    leftBytes = Number(head.headers.get('content-length')) - (bytes.byteLength - end - HEAD_END.length);
  };
  return {
    blocks,
    head: () => head,
    leftBytes: () => leftBytes,
    receivedBytes: () => receivedBytes,
    expectHead: (): void => {
      head = undefined;
    },
    /** @throws Error when the bytes are no answer, or more than it has */
    add: (count: number): void => {
      receivedBytes += count;
      const bytes = blocks.add(count);
      if (head === undefined) takeHead(bytes);
      else leftBytes -= count;
      if (leftBytes < 0) throw new Error('the answer is longer than it says');
      if (blocks.isFull() || (head !== undefined && leftBytes === 0)) blocks.handOver();
    },
  };
};

/** Opens the socket. `onRead` is told how many bytes came into `target`; when it returns false, no more come until `resume`. */
const openSocket = (
  { isSecure, hostname, port }: Origin,
  target: () => Buffer,
  onRead: (bytes: number) => boolean,
): Socket => {
  const options = { host: hostname, port, onread: { buffer: target, callback: onRead } };
  if (!isSecure) return connect(options);
  const { connect: connectTls } = process.getBuiltinModule('node:tls'); // an import reads the certificates that Node brings along: 10 ms
  return connectTls({ ...options, ...(isIP(hostname) === 0 && { servername: hostname }) });
};

/** Waits for `work`, and destroys its connection when that takes longer than `silenceMs`. */
export const unlessSilent = async <Result>(
  connection: { destroy(error: Error): unknown },
  silenceMs: number,
  work: () => Promise<Result>,
): Promise<Result> => {
  let steps = 0;
  const timer = setInterval(() => {
    steps += 1;
    if (steps === SILENCE_STEPS) connection.destroy(new Error(`no answer came within ${silenceMs} ms`));
  }, silenceMs / SILENCE_STEPS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
};

/**
 * Opens a connection that receives into memory of its own. Node's HTTP client allocates a chunk for each read, and a second one for the body in it.
 * Finding and freeing them takes longer than receiving them.
 */
export const openBlockConnection = (origin: Origin): BlockConnection => {
  const receiver = createReceiver();
  const { blocks } = receiver;
  let failure: Error | undefined;
  const progress = createProgress();
  const socket = openSocket(origin, blocks.target, (bytes) => {
    try {
      receiver.add(bytes);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
    }
    progress.tell();
    return blocks.hasRoom();
  });
  socket.on('error', () => {}); // it is told at the close
  socket.on('close', () => {
    failure = socket.errored ?? new Error('the connection was closed');
    blocks.end();
    progress.tell();
  });

  const answerHead = async (): Promise<ResponseHead> => {
    for (;;) {
      const head = receiver.head();
      if (head) return head;
      if (failure) throw failure;
      await progress.next();
    }
  };

  return {
    origin,
    ask: (request, silenceMs) => {
      receiver.expectHead();
      socket.write(request);
      return unlessSilent(socket, silenceMs, answerHead);
    },
    body: {
      receivedBytes: receiver.receivedBytes,
      destroy: (error) => socket.destroy(error),
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const received = blocks.take();
          if (received) {
            yield received.bytes;
            blocks.giveBack(received.block);
            socket.resume();
          } else if (receiver.leftBytes() === 0) return;
          else if (failure) throw failure;
          else await progress.next();
        }
      },
    },
    isIdle: () => failure === undefined && !socket.destroyed && receiver.leftBytes() === 0 && blocks.isReadOut(),
    destroy: () => socket.destroy(),
  };
};
