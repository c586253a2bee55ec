import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { allEnded } from '../core/all-ended.ts';
import { ServingError } from '../core/errors.ts';

const MIB = 1024 * 1024;
/** Each part is a request of its own; so many are under way at once. */
const PARTS_IN_FLIGHT = 4;
/** Smaller ones take longer to ask for than to send; larger ones gain nothing. */
const LEAST_PART_BYTES = 4 * MIB;
const MOST_PART_BYTES = 16 * MIB;
/** What is held of each part until it is written: less is more calls, more is more memory. */
const WRITE_BYTES = MIB / 2;
const READ_BYTES = MIB;

/** The bytes of a file from `start` up to `end`, exclusive. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** What is left of `chunks` behind their first `bytes`. */
const withoutFirst = (chunks: readonly Uint8Array[], bytes: number): Uint8Array[] => {
  let rest = bytes;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(rest, chunk.byteLength);
    rest -= skipped;
    return skipped < chunk.byteLength ? [chunk.subarray(skipped)] : [];
  });
};

/** A disk that becomes full takes what it has room for, and refuses only the next write. */
const writeWhole = async (file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> => {
  let left = chunks;
  for (let next = position; left.length > 0; ) {
    const { bytesWritten } = await file.writev(left, next);
    next += bytesWritten;
    left = withoutFirst(left, bytesWritten);
  }
};

/** Writes `chunks` to `file` from `start` on while the next ones come in, and tells up to which position there is something to read. */
const writeAll = async (
  chunks: AsyncIterable<Uint8Array>,
  file: FileHandle,
  [start, end]: readonly [number, number],
  onWritten: (position: number) => void,
): Promise<void> => {
  let held: Uint8Array[] = [];
  let heldFrom = start;
  let position = start;
  let writing = Promise.resolve();
  const write = (): void => {
    const [batch, from, to] = [held, heldFrom, position];
    [held, heldFrom] = [[], position];
    writing = writeWhole(file, batch, from).then(() => onWritten(to));
    writing.catch(() => {}); // it is thrown where it is waited for
  };
  try {
    for await (const chunk of chunks) {
      position += chunk.byteLength;
      if (position > end) break;
      held.push(chunk);
      if (position - heldFrom < WRITE_BYTES) continue;
      await writing;
      write();
    }
    if (position !== end) {
      const came = position > end ? 'more than' : `${position - start} of`;
      throw new ServingError('MODEL_UNAVAILABLE', `S3 sent ${came} the ${end - start} bytes that were asked for`);
    }
    await writing;
    write();
  } finally {
    await writing;
  }
};

/**
 * Brings a file of `sizeBytes` in parts, several at a time, into `file`, which is open for reading and writing, and returns the sha256 of what
 * lies there then, in hexadecimal: parts come in any order, and are hashed in theirs by reading them back from the page cache.
 *
 * @throws `MODEL_UNAVAILABLE` when a part is longer or shorter than it was asked for; what `read` throws; errors of the file system
 */
export const download = async (read: ReadRange, sizeBytes: number, file: FileHandle): Promise<string> => {
  const partBytes = Math.min(Math.max(Math.ceil(sizeBytes / PARTS_IN_FLIGHT), LEAST_PART_BYTES), MOST_PART_BYTES);
  /** By part, the position up to which it is written. */
  const writtenTo: number[] = [];
  let progress = Promise.withResolvers<void>();
  let failed = false;
  const tell = (): void => {
    progress.resolve();
    progress = Promise.withResolvers();
  };

  const hashInOrder = async (): Promise<string> => {
    const hash = createHash('sha256');
    const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes));
    let position = 0;
    while (position < sizeBytes && !failed) {
      const ready = (writtenTo[Math.floor(position / partBytes)] ?? position) - position;
      if (ready === 0) {
        await progress.promise;
        continue;
      }
      const { bytesRead } = await file.read(bytes, 0, Math.min(ready, bytes.byteLength), position);
      if (bytesRead === 0) throw new ServingError('MODEL_UNAVAILABLE', 'the file was cut short while it was written');
      hash.update(bytes.subarray(0, bytesRead));
      position += bytesRead;
    }
    return hash.digest('hex');
  };

  let nextStart = 0;
  const bringParts = async (): Promise<void> => {
    while (nextStart < sizeBytes && !failed) {
      const start = nextStart;
      const end = Math.min(start + partBytes, sizeBytes);
      nextStart = end;
      await writeAll(read(start, end), file, [start, end], (position) => {
        writtenTo[start / partBytes] = position;
        tell();
      });
    }
  };

  const stop = (error: unknown): never => {
    failed = true;
    tell();
    throw error;
  };
  const workers = Array.from({ length: PARTS_IN_FLIGHT }, bringParts);
  const [digest] = await allEnded<unknown>([hashInOrder(), ...workers].map((work) => work.catch(stop)));
  return digest as string;
};
