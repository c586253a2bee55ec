import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { allEnded } from '../core/all-ended.ts';
import { ServingError } from '../core/errors.ts';

const MIB = 1024 * 1024;
/** Parts, each a request of its own, that are under way at once. */
const PARTS_IN_FLIGHT = 4;
/** A smaller part takes longer to ask for than to send; a larger one gains nothing. */
const LEAST_PART_BYTES = 4 * MIB;
const MOST_PART_BYTES = 16 * MIB;
/** Bytes that are held of each part before they are written: fewer take more calls, more take more memory. */
const WRITE_BYTES = MIB / 2;
const READ_BYTES = MIB;

/** The bytes of a file from `start` up to `end`, exclusive. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** The rest of `chunks` behind their first `bytes`. */
const withoutFirst = (chunks: readonly Uint8Array[], bytes: number): Uint8Array[] => {
  let rest = bytes;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(rest, chunk.byteLength);
    rest -= skipped;
    return skipped < chunk.byteLength ? [chunk.subarray(skipped)] : [];
  });
};

/** Writes all of `chunks`, in several writes if need be: a disk that becomes full takes part of one, and refuses only the next. */
const writeWhole = async (file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> => {
  let left = chunks;
  for (let next = position; left.length > 0; ) {
    const { bytesWritten } = await file.writev(left, next);
    next += bytesWritten;
    left = withoutFirst(left, bytesWritten);
  }
};

/**
 * Writes `chunks` to `file` from `start` on, while the next chunks arrive. `onWritten` receives the position up to which the part is written.
 * @throws `MODEL_UNAVAILABLE` when the chunks end before `end` or go beyond it
 */
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
    writing.catch(() => {}); // the error is thrown where `writing` is awaited
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
 * Downloads `sizeBytes` bytes in parts, several at a time, into `file`, which is open for reading and writing. Returns the sha256 of the
 * file in lower-case hexadecimal. Parts arrive in any order; they are hashed in the order of the file, read back from the page cache.
 *
 * @throws `MODEL_UNAVAILABLE` when a part is longer or shorter than it was asked for; errors of `read` and of the file system
 */
export const download = async (read: ReadRange, sizeBytes: number, file: FileHandle): Promise<string> => {
  const partBytes = Math.min(Math.max(Math.ceil(sizeBytes / PARTS_IN_FLIGHT), LEAST_PART_BYTES), MOST_PART_BYTES);
  /** The position up to which each part is written, by the number of the part. */
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
  const hashing = hashInOrder().catch(stop);
  const workers = Array.from({ length: PARTS_IN_FLIGHT }, () => bringParts().catch(stop));
  await allEnded<unknown>([hashing, ...workers]);
  return hashing;
};
