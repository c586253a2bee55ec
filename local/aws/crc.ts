/** The remainder of each byte by a reflected polynomial. */
const remainders = (polynomial: bigint): bigint[] =>
  Array.from({ length: 256 }, (_, byte) => {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    return value;
  });

const LOW = 0xffff_ffffn;
const tableOf = (polynomial: bigint) => {
  const table = remainders(polynomial);
  return {
    low: Uint32Array.from(table, (value) => Number(value & LOW)),
    high: Uint32Array.from(table, (value) => Number(value >> 32n)),
  };
};

const CRC_32C = tableOf(0x82f6_3b78n);
const CRC_64_NVME = tableOf(0x9a6c_9329_ac4b_c9b5n);

/** A cyclic redundancy check, whose value is inverted at its beginning and its end. Two halves of 32 bits are faster than a BigInt. */
const createCrc = ({ low: lowTable, high: highTable }: typeof CRC_32C, bytes: 4 | 8) => {
  let low = 0xffff_ffff;
  let high = bytes === 8 ? 0xffff_ffff : 0;
  return {
    update(chunk: Uint8Array): void {
      for (const byte of chunk) {
        const index = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (lowTable[index] ?? 0);
        high = (high >>> 8) ^ (highTable[index] ?? 0);
      }
    },
    digest(encoding: 'base64' | 'hex'): string {
      const value = Buffer.alloc(bytes);
      value.writeUInt32BE(~low >>> 0, bytes - 4);
      if (bytes === 8) value.writeUInt32BE(~high >>> 0);
      return value.toString(encoding);
    },
  };
};

/** Castagnoli's checksum of 32 bits. */
export const createCrc32c = () => createCrc(CRC_32C, 4);

/** The checksum of 64 bits of NVM Express, which S3 computes by default. */
export const createCrc64Nvme = () => createCrc(CRC_64_NVME, 8);
