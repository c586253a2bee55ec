import type { ByteSource } from '../core/byte-source.ts';

/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, section 4.3 */
const END = { signature: Buffer.from('PK\x05\x06', 'latin1'), bytes: 22, directoryBytes: 12, directory: 16 } as const;
const END_64 = { signature: Buffer.from('PK\x06\x06', 'latin1'), directoryBytes: 40, directory: 48 } as const;
const ENTRY = { signature: 0x02014b50, bytes: 46, nameBytes: 28, extraBytes: 30, commentBytes: 32 } as const;
const LONGEST_COMMENT = 65_535;
/** More than a model of a million tensors needs. */
const LARGEST_DIRECTORY_BYTES = 128 * 1024 * 1024;
const IN_ZIP64 = 0xffffffff;

/** Place and size of the directory of a zip file; undefined when it has none, such as one that was cut short. */
const findDirectory = (source: ByteSource): { readonly offset: number; readonly bytes: number } | undefined => {
  const tailStart = Math.max(0, source.sizeBytes - END.bytes - LONGEST_COMMENT);
  const tail = source.read(tailStart, source.sizeBytes - tailStart);
  const end = tail.lastIndexOf(END.signature);
  if (end < 0 || end + END.bytes > tail.byteLength) return undefined;
  const [bytes, offset] = [tail.readUInt32LE(end + END.directoryBytes), tail.readUInt32LE(end + END.directory)];
  if (offset !== IN_ZIP64 && bytes !== IN_ZIP64) return { offset, bytes };
  const end64 = tail.lastIndexOf(END_64.signature, end);
  if (end64 < 0) return undefined;
  return {
    offset: Number(tail.readBigUInt64LE(end64 + END_64.directory)),
    bytes: Number(tail.readBigUInt64LE(end64 + END_64.directoryBytes)),
  };
};

/** Names of the files in a zip file, in the order of its directory, as far as it can be read. */
export const zipNames = (source: ByteSource): string[] => {
  const place = findDirectory(source);
  if (place === undefined || place.bytes > LARGEST_DIRECTORY_BYTES) return [];
  const directory = source.read(place.offset, place.bytes);
  const names: string[] = [];
  for (let at = 0; at + ENTRY.bytes <= directory.byteLength; ) {
    if (directory.readUInt32LE(at) !== ENTRY.signature) break;
    const nameBytes = directory.readUInt16LE(at + ENTRY.nameBytes);
    const restBytes = directory.readUInt16LE(at + ENTRY.extraBytes) + directory.readUInt16LE(at + ENTRY.commentBytes);
    const start = at + ENTRY.bytes;
    names.push(directory.toString('utf8', start, start + nameBytes));
    at = start + nameBytes + restBytes;
  }
  return names;
};
