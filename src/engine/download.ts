import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { allEnded } from '../core/all-ended.ts';
import { ServingError } from '../core/errors.ts';
import { createProgress } from '../core/progress.ts';

const MIB = 1024 * 1024;
/** Parts, each a request of its own, that are under way at once. */
const PARTS_IN_FLIGHT = 4;
/** A smaller part takes longer to ask for than to send; a larger one gains nothing. */
const LEAST_PART_BYTES = 4 * MIB;
const MOST_PART_BYTES = 16 * MIB;
const READ_BYTES = MIB / 4;

/** The bytes of a file from `start` up to `end`, exclusive, in blocks. A block may be overwritten once the next is asked for. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** Writes all of `block`, in several writes if need be: a disk that becomes full takes part of one, and refuses only the next. */
const writeWhole = async (file: FileHandle, block: Uint8Array, position: number): Promise<void> => {
  for (let written = 0; written < block.byteLength; )
    written += (await file.write(block, written, block.byteLength - written, position + written)).bytesWritten;
};

/**
 * Writes `blocks` to `file` from `start` on. `onWritten` receives the position up to which the part is written.
 * @throws `MODEL_UNAVAILABLE` when the blocks end before `end` or go beyond it
 */
const writeAll = async (
  blocks: AsyncIterable<Uint8Array>,
  file: FileHandle,
  [start, end]: readonly [number, number],
  onWritten: (position: number) => void,
): Promise<void> => {
  const asked = `the ${end - start} bytes that were asked for`;
  let position = start;
  for await (const block of blocks) {
    if (position + block.byteLength > end) throw new ServingError('MODEL_UNAVAILABLE', `S3 sent more than ${asked}`);
    await writeWhole(file, block, position);
    position += block.byteLength;
    onWritten(position);
  }
  if (position !== end) throw new ServingError('MODEL_UNAVAILABLE', `S3 sent ${position - start} of ${asked}`);
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
  const progress = createProgress();
  let failed = false;

  const hashInOrder = async (): Promise<string> => {
    const hash = createHash('sha256');
    const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes));
    let position = 0;
    while (position < sizeBytes && !failed) {
      const ready = (writtenTo[Math.floor(position / partBytes)] ?? position) - position;
      if (ready === 0) {
        await progress.next();
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
        progress.tell();
      });
    }
  };

  const stop = (error: unknown): never => {
    failed = true;
    progress.tell();
    throw error;
  };
  const hashing = hashInOrder().catch(stop);
  const workers = Array.from({ length: PARTS_IN_FLIGHT }, () => bringParts().catch(stop));
  await allEnded<unknown>([hashing, ...workers]);
  return hashing;
};
