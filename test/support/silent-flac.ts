/** The remainder of a division by `polynomial` of `bits` bits, as FLAC checks its frames (RFC 9639, 9.1.8 and 9.3). */
const crc = (bytes: Uint8Array, bits: 8 | 16, polynomial: number): number => {
  const mask = 2 ** bits - 1;
  let rest = 0;
  for (const byte of bytes) {
    rest ^= byte << (bits - 8);
    for (let bit = 0; bit < 8; bit += 1)
      rest = rest & (1 << (bits - 1)) ? ((rest << 1) ^ polynomial) & mask : (rest << 1) & mask;
  }
  return rest;
};

const BLOCK_SAMPLES = 65_535;

/** A frame number below 2,048 in the form of UTF-8. */
const frameNumber = (index: number): number[] => (index < 128 ? [index] : [0xc0 | (index >> 6), 0x80 | (index & 63)]);

const frame = (index: number, channels: number): Buffer => {
  const head = Buffer.from([
    0xff,
    0xf8,
    0x75,
    ((channels - 1) << 4) | 0x08,
    ...frameNumber(index),
    (BLOCK_SAMPLES - 1) >> 8,
    0xfe,
  ]);
  const subframes = new Array<number>(3 * channels).fill(0); // each of the sample 0, 16 bits
  const constant = Buffer.from([...head, crc(head, 8, 0x07), ...subframes]);
  const check = crc(constant, 16, 0x8005);
  return Buffer.concat([constant, Buffer.from([check >> 8, check & 0xff])]);
};

/** A FLAC file of silence at 16 kHz: in mono 14 bytes for four seconds, as an encoder writes it. */
export const createSilentFlac = (seconds: number, channels = 1): Buffer => {
  const head = Buffer.alloc(42);
  head.write('fLaC', 'latin1');
  head.writeUInt8(0x80, 4); // the last block, STREAMINFO
  head.writeUInt8(34, 7);
  head.writeUInt16BE(BLOCK_SAMPLES, 8);
  head.writeUInt16BE(BLOCK_SAMPLES, 10);
  head.writeUInt32BE(((16_000 << 12) | ((channels - 1) << 9) | (15 << 4)) >>> 0, 18); // rate, channels - 1, bits - 1
  const frames = Math.ceil((seconds * 16_000) / BLOCK_SAMPLES);
  head.writeUInt32BE(frames * BLOCK_SAMPLES, 22);
  return Buffer.concat([head, ...Array.from({ length: frames }, (_, index) => frame(index, channels))]);
};
