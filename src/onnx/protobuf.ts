/** A field of a message as it stands in its bytes. https://protobuf.dev/programming-guides/encoding/ */
export interface Field {
  readonly number: number;
  /** The digits of a varint; of anything else its content, without its length. */
  readonly value: Buffer;
  /** True when `value` is a varint. */
  readonly isVarint: boolean;
  /** The whole field: tag, length and content. */
  readonly bytes: Buffer;
}

const WIRE_VARINT = 0;
const WIRE_LENGTH_DELIMITED = 2;
/** Bytes of a value by wire type, for those that carry no length. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
/** A varint has ten bytes of seven bits at most. */
const LARGEST_SCALE = 128 ** 9;

/** The fields of a message, in order. @throws `RangeError` when it is none */
export function* fields(message: Buffer): Generator<Field> {
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(offset++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
      if (scale === LARGEST_SCALE) throw new RangeError(`the number before byte ${offset} never ends`);
    }
  };
  while (offset < message.byteLength) {
    const start = offset;
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const isVarint = wire === WIRE_VARINT;
    let from = offset;
    if (isVarint) varint();
    else {
      const length = wire === WIRE_LENGTH_DELIMITED ? varint() : FIXED_BYTES[wire];
      from = offset;
      if (length === undefined || offset + length > message.byteLength)
        throw new RangeError(`field ${number} at byte ${offset} is no protobuf`);
      offset += length;
    }
    yield { number, value: message.subarray(from, offset), isVarint, bytes: message.subarray(start, offset) };
  }
}

/** The signed 64-bit integers whose varints follow each other in `digits`. */
export const readIntegers = (digits: Buffer): bigint[] => {
  const integers: bigint[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of digits) {
    value |= BigInt(byte % 128) << shift;
    shift += 7n;
    if (byte < 128) {
      integers.push(BigInt.asIntN(64, value));
      [value, shift] = [0n, 0n];
    }
  }
  return integers;
};
