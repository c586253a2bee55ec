import { Writable } from 'node:stream';
import { LAMBDA_STREAM_BYTES } from '../../src/core/aws-limits.ts';
import type { FromChild } from './messages.ts';

/** The content type of a stream that begins with its status and headers as JSON, followed by eight zero bytes. */
export const PRELUDE_CONTENT_TYPE = 'application/vnd.awslambda.http-integration-response';
export const PRELUDE_END = Buffer.alloc(8);

type WriteCallback = (error?: Error | null) => void;

/** The stream that Lambda gives to a handler. Each chunk waits until the other process has taken the one before it. */
export class ResponseStream extends Writable {
  readonly #post: (message: FromChild) => Promise<void>;
  #contentType = 'application/octet-stream';
  #prelude: string | undefined;
  #hasHead = false;
  #isWritten = false;
  #sizeBytes = 0;

  constructor(post: (message: FromChild) => Promise<void>) {
    super();
    this.#post = post;
  }

  /** @throws Error after the first write. */
  setContentType(contentType: string): void {
    if (this.#isWritten) throw new Error('Cannot set content-type, too late.');
    this.#contentType = contentType;
  }

  /** Puts status, headers and cookies before the first chunk that is written. `end` alone does not send them, as on Lambda. */
  setPrelude(prelude: object): void {
    this.setContentType(PRELUDE_CONTENT_TYPE);
    this.#prelude = JSON.stringify(prelude);
  }

  override write(chunk: unknown, encoding?: BufferEncoding | WriteCallback, callback?: WriteCallback): boolean {
    if (!this.#isWritten) {
      this.#isWritten = true;
      if (this.#prelude !== undefined) super.write(Buffer.concat([Buffer.from(this.#prelude), PRELUDE_END]));
    }
    const bytes = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
    if (typeof encoding === 'function') return super.write(bytes, encoding);
    return super.write(bytes, encoding ?? 'utf8', callback);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#sizeBytes += bytes.byteLength;
    if (this.#sizeBytes > LAMBDA_STREAM_BYTES) {
      callback(new RangeError(`the response streams more than the ${LAMBDA_STREAM_BYTES} bytes that are allowed`));
      return;
    }
    this.#send({ type: 'chunk', bytes }).then(() => callback(), callback);
  }

  override _final(callback: WriteCallback): void {
    this.#send({ type: 'end' }).then(() => callback(), callback);
  }

  /** Hands over both messages at once, so that no failure comes between the head and what follows it. */
  async #send(message: FromChild): Promise<void> {
    const messages: FromChild[] = this.#hasHead ? [] : [{ type: 'head', contentType: this.#contentType }];
    this.#hasHead = true;
    await Promise.all([...messages, message].map(this.#post));
  }
}

/** Lambda's runtime marks handlers that stream by this property. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

export const isStreaming = (handler: object): boolean => STREAMING in handler;

/** The global that Lambda's runtime gives to functions. */
export const awslambda = {
  streamifyResponse: <Handler extends object>(handler: Handler): Handler =>
    Object.assign(handler, { [STREAMING]: 'response' }),
  HttpResponseStream: {
    from: (stream: ResponseStream, prelude: object): ResponseStream => {
      stream.setPrelude(prelude);
      return stream;
    },
  },
};
