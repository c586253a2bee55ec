import type { ByteSource } from '../core/byte-source.ts';

/** The place of a field in a file. */
export interface FieldPlace {
  readonly number: number;
  readonly wire: number;
  /** The first byte of its tag, the first of its content, and the one behind it. */
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

export const WIRE_LENGTH_DELIMITED = 2;
/** Bytes of a value by wire type, for those that carry no length. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const WINDOW_BYTES = 65_536;
/** A varint has ten bytes of seven bits at most. */
const LARGEST_SCALE = 128 ** 9;

/** Reads the heads of fields, and leaves out the contents. */
export interface FieldReader {
  /** The field at `start` of a message that ends at `end`. @throws `RangeError` when there is none */
  field(start: number, end: number): FieldPlace;
}

export const createFieldReader = (source: ByteSource): FieldReader => {
  let window: Buffer = Buffer.alloc(0);
  let windowStart = 0;
  const byteAt = (offset: number): number => {
    if (offset < windowStart || offset >= windowStart + window.byteLength)
      [window, windowStart] = [source.read(offset, WINDOW_BYTES), offset];
    const byte = window[offset - windowStart];
    if (byte === undefined) throw new RangeError(`the file ends before byte ${offset}`);
    return byte;
  };
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = byteAt(offset++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
      if (scale === LARGEST_SCALE) throw new RangeError(`the number before byte ${offset} never ends`);
    }
  };
  return {
    field(start, end) {
      offset = start;
      const tag = varint();
      const [number, wire] = [Math.floor(tag / 8), tag % 8];
      let from = offset;
      if (wire === 0) varint();
      else {
        const length = wire === WIRE_LENGTH_DELIMITED ? varint() : FIXED_BYTES[wire];
        from = offset;
        if (length === undefined) throw new RangeError(`field ${number} at byte ${start} is no protobuf`);
        offset += length;
      }
      if (offset > end) throw new RangeError(`field ${number} at byte ${start} ends behind its message`);
      return { number, wire, start, from, to: offset };
    },
  };
};
