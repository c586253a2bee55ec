import { createReadStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import { refuse, ServingError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import type { Sample } from './sample.ts';
import { toSample } from './to-sample.ts';

/** A JSON input of a request may be as long. */
const MAX_LINE_BYTES = 10 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** The lines of a file, without holding more than one of them and a piece. @throws `PAYLOAD_TOO_LARGE` */
async function* readLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED, start)) {
      yield rest.subarray(start, end);
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > MAX_LINE_BYTES)
      refuse(
        'PAYLOAD_TOO_LARGE',
        `a line of ${path} has more than ${formatBytes(MAX_LINE_BYTES)}: give large inputs as files`,
      );
  }
  yield rest;
}

const parseLine = (line: Uint8Array, place: string): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch (error) {
    const [reason = ''] = ServingError.from(error).message.split(' (line '); // of the line by itself, which is 1
    throw new ServingError('INVALID_INPUT', `${place} is no JSON in UTF-8: ${reason}`, { cause: error });
  }
  if (!isObject(value))
    return refuse('INVALID_INPUT', `${place} is ${show(value)}, expected an object: {"inputs": …, "label": …}`);
  return value;
};

/** The samples of a JSON Lines file, an object on each line. @throws `INVALID_INPUT` naming the line */
export async function* readJsonLines(path: string, labelField: string | undefined): AsyncGenerator<Sample> {
  let [number, endBytes] = [0, 0];
  for await (const line of readLines(path)) {
    number += 1;
    endBytes += line.length + 1;
    const place = `line ${number} of ${basename(path)}`;
    if (line.every((byte) => byte <= 0x20)) continue; // empty, but for spaces
    yield toSample(parseLine(line, place), labelField, dirname(path), { place, endBytes });
  }
}
