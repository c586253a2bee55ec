import { refuse } from './refuse.ts';

/** Reads the bytes of a file from left to right. Lengths are compared with the bytes that are left. @throws `MODEL_INVALID` beyond the end */
export class ByteReader {
  readonly bytes: Buffer;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.offset;
  }

  /** The next `count` bytes, as a view. */
  take(count: number): Buffer {
    return this.bytes.subarray(this.#advance(count), this.offset);
  }

  uint8(): number {
    return this.bytes.readUInt8(this.#advance(1));
  }

  uint16(): number {
    return this.bytes.readUInt16LE(this.#advance(2));
  }

  int32(): number {
    return this.bytes.readInt32LE(this.#advance(4));
  }

  uint32(): number {
    return this.bytes.readUInt32LE(this.#advance(4));
  }

  /** An unsigned number of eight bytes; beyond 2^53 it is not exact. */
  uint64(): number {
    return Number(this.bytes.readBigUInt64LE(this.#advance(8)));
  }

  /** A big-endian float64. */
  float64(): number {
    return this.bytes.readDoubleBE(this.#advance(8));
  }

  /** The text up to the next line feed, which it skips; a byte becomes a character. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.offset);
    if (end < 0) return refuse('it was cut short: its last line has no end; copy it again as a binary file');
    return this.take(end + 1 - this.offset)
      .toString('latin1')
      .slice(0, -1);
  }

  #advance(count: number): number {
    const start = this.offset;
    if (!(count >= 0 && count <= this.left))
      return refuse(
        `it was cut short: ${count} bytes are expected at byte ${start}, ${this.left} are left; copy it again as a binary file`,
      );
    this.offset += count;
    return start;
  }
}
