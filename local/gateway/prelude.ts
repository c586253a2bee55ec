import type { Readable } from 'node:stream';
import { PRELUDE_END } from '../functions/response-stream.ts';
import type { StructuredResult } from './http-answer.ts';

/** A stream without the zero bytes has no prelude, however long it goes on. */
const LONGEST_PRELUDE_BYTES = 2 ** 20;

/** Reads the JSON up to the zero bytes from the beginning of `body`, which goes on after them. @throws Error when there is none */
export const readPrelude = async (body: Readable): Promise<StructuredResult> => {
  const chunks: AsyncIterable<Buffer> = body.iterator({ destroyOnReturn: false });
  let read = Buffer.alloc(0);
  for await (const chunk of chunks) {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf(PRELUDE_END);
    if (end >= 0) {
      body.unshift(read.subarray(end + PRELUDE_END.byteLength));
      return JSON.parse(read.toString('utf8', 0, end));
    }
    if (read.byteLength > LONGEST_PRELUDE_BYTES) break;
  }
  throw new Error('the stream has no prelude');
};
