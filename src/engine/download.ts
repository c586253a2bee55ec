import { createHash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { allEnded } from '../core/all-ended.ts';
import { ServingError } from '../core/errors.ts';

const MIB = 1024 * 1024;
/** Parts, each a request of its own, that are under way at once. */
const PARTS_IN_FLIGHT = 4;
/** A smaller part takes longer to ask for than to send; a larger one gains nothing. */
const LEAST_PART_BYTES = 4 * MIB;
const MOST_PART_BYTES = 16 * MIB;
const READ_BYTES = MIB / 4;
/** Reads of earlier bytes, at most, at once: hashing catches up, and other work waits for less than a millisecond. */
const READS_PER_TURN = 2;

/** The bytes of a file from `start` up to `end`, exclusive, in blocks. A block may be overwritten once the next is asked for. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** Writes all of `block`, in several writes if need be: a disk that becomes full takes part of one, and refuses only the next. */
const writeWhole = ({ fd }: FileHandle, block: Uint8Array, position: number): void => {
  for (let written = 0; written < block.byteLength; )
    written += writeSync(fd, block, written, block.byteLength - written, position + written);
};

/**
 * Hashes `sizeBytes` bytes of `file` in their order while they are written in any. A block that comes in its turn is hashed while the processor's cache
 * has it; the others are read back from the page cache.
 */
const createOrderedHash = (file: FileHandle, sizeBytes: number, partBytes: number) => {
  const hash = createHash('sha256');
  const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes));
  /** The position up to which each part is written, by the number of the part. */
  const writtenTo: number[] = [];
  let position = 0;

  /** @throws `MODEL_UNAVAILABLE` when the file is shorter than it was */
  const readBack = (): void => {
    for (let reads = 0; reads < READS_PER_TURN; reads += 1) {
      const ready = (writtenTo[Math.floor(position / partBytes)] ?? position) - position;
      if (ready === 0) return;
      const count = readSync(file.fd, bytes, 0, Math.min(ready, bytes.byteLength), position);
      if (count === 0) throw new ServingError('MODEL_UNAVAILABLE', 'the file was cut short while it was written');
      hash.update(bytes.subarray(0, count));
      position += count;
    }
  };
  return {
    /** Notes that `block` was written from `start` on. */
    add: (block: Uint8Array, start: number): void => {
      writtenTo[Math.floor(start / partBytes)] = start + block.byteLength;
      if (start === position) {
        hash.update(block);
        position += block.byteLength;
      } else readBack();
    },
    /** The sha256 of the file, which is whole. Most of it is to be read back where the first part came last. */
    digest: async (): Promise<string> => {
      while (position < sizeBytes) {
        readBack();
        await nextTurn();
      }
      return hash.digest('hex');
    },
  };
};

/**
 * Writes `blocks` to `file` from `start` on. `onWritten` receives each block with its position.
 * @throws `MODEL_UNAVAILABLE` when the blocks end before `end` or go beyond it
 */
const writeAll = async (
  blocks: AsyncIterable<Uint8Array>,
  file: FileHandle,
  [start, end]: readonly [number, number],
  onWritten: (block: Uint8Array, position: number) => void,
): Promise<void> => {
  const asked = `the ${end - start} bytes that were asked for`;
  let position = start;
  for await (const block of blocks) {
    if (position + block.byteLength > end) throw new ServingError('MODEL_UNAVAILABLE', `S3 sent more than ${asked}`);
    writeWhole(file, block, position);
    onWritten(block, position);
    position += block.byteLength;
  }
  if (position !== end) throw new ServingError('MODEL_UNAVAILABLE', `S3 sent ${position - start} of ${asked}`);
};

/**
 * Downloads `sizeBytes` bytes in parts, several at a time, into `file`, which is open for reading and writing. Returns the sha256 of the
 * file in lower-case hexadecimal. This thread receives, writes and hashes: handing blocks to other threads takes longer than writing them.
 *
 * @throws `MODEL_UNAVAILABLE` when a part is longer or shorter than it was asked for; errors of `read` and of the file system
 */
export const download = async (read: ReadRange, sizeBytes: number, file: FileHandle): Promise<string> => {
  const partBytes = Math.min(Math.max(Math.ceil(sizeBytes / PARTS_IN_FLIGHT), LEAST_PART_BYTES), MOST_PART_BYTES);
  const hash = createOrderedHash(file, sizeBytes, partBytes);
  let nextStart = 0;
  let failed = false;
  const bringParts = async (): Promise<void> => {
    while (nextStart < sizeBytes && !failed) {
      const start = nextStart;
      const end = Math.min(start + partBytes, sizeBytes);
      nextStart = end;
      await writeAll(read(start, end), file, [start, end], hash.add);
    }
  };
  const workers = Array.from({ length: PARTS_IN_FLIGHT }, () =>
    bringParts().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  await allEnded(workers);
  return hash.digest();
};
