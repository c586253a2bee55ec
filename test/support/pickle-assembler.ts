/** A piece of a pickle: bytes, a byte, or text as Latin-1. */
type Piece = Uint8Array | number | string;

/** A pickle of pieces, in their order. Opcodes are letters or bytes of https://docs.python.org/3/library/pickletools.html. */
export const pickleOf = (...pieces: readonly Piece[]): Buffer =>
  Buffer.concat(
    pieces.map((piece) => {
      if (typeof piece === 'number') return Buffer.of(piece);
      return typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
    }),
  );

const number = (bytes: number, value: bigint | number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return buffer.subarray(0, bytes);
};

export const uint16 = (value: number): Buffer => number(2, value);
export const uint32 = (value: number): Buffer => number(4, value);
export const uint64 = (value: bigint | number): Buffer => number(8, value);

/** BINUNICODE. */
export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return pickleOf('X', uint32(bytes.length), bytes);
};

/** BINBYTES. */
export const bytes = (value: Uint8Array): Buffer => pickleOf('B', uint32(value.length), value);

/** GLOBAL. */
export const global = (module: string, name: string): Buffer => pickleOf(`c${module}\n${name}\n`);

/** A tuple of values. */
export const tuple = (...values: readonly Piece[]): Buffer => pickleOf('(', ...values, 't');

/** A call of a function by REDUCE. */
export const reduce = (callee: Uint8Array, ...args: readonly Piece[]): Buffer => pickleOf(callee, tuple(...args), 'R');

/** The end of a pickle of protocol 2. */
export const asPickle = (...pieces: readonly Piece[]): Buffer => pickleOf(0x80, 2, ...pieces, '.');
