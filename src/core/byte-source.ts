import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes that are read by their place, such as those of a file that is larger than the memory for it. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** The bytes from `offset` on, `length` of them or as many as there are. */
  read(offset: number, length: number): Buffer;
}

/** Runs `use` on the bytes of a file. @throws errors of the file system, `EISDIR` for a directory among them */
export const withFileBytes = <T>(path: string, use: (source: ByteSource) => T): T => {
  const file = openSync(path, 'r');
  try {
    return use({
      sizeBytes: fstatSync(file).size,
      read(offset, length) {
        const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, fstatSync(file).size - offset)));
        let filled = 0;
        while (filled < bytes.byteLength) {
          const count = readSync(file, bytes, filled, bytes.byteLength - filled, offset + filled);
          if (count === 0) break; // the file was cut meanwhile
          filled += count;
        }
        return bytes.subarray(0, filled);
      },
    });
  } finally {
    closeSync(file);
  }
};

/** `bytes` of the memory. */
export const bytesInMemory = (bytes: Buffer): ByteSource => ({
  sizeBytes: bytes.byteLength,
  read: (offset, length) => bytes.subarray(offset, offset + length),
});
