const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const HEADER_BYTES = 46;

export interface ZipEntry {
  readonly name: string;
  /** As `stat` of Unix gives it, with the kind of the file: `0o100644`. */
  readonly mode: number;
}

/** The files of a zip archive, from its central directory (APPNOTE.TXT 4.3.12 and 4.3.16; archives without a comment). */
export const zipEntries = (archive: Buffer): ZipEntry[] => {
  const end = archive.length - END_BYTES;
  if (archive.readUInt32LE(end) !== END_OF_CENTRAL_DIRECTORY)
    throw new Error('not a zip archive, or one with a comment');
  const entries: ZipEntry[] = [];
  let offset = archive.readUInt32LE(end + 16);
  for (let index = 0; index < archive.readUInt16LE(end + 10); index += 1) {
    const nameBytes = archive.readUInt16LE(offset + 28);
    const name = archive.toString('utf8', offset + HEADER_BYTES, offset + HEADER_BYTES + nameBytes);
    entries.push({ name, mode: archive.readUInt32LE(offset + 38) >>> 16 });
    offset += HEADER_BYTES + nameBytes + archive.readUInt16LE(offset + 30) + archive.readUInt16LE(offset + 32);
  }
  return entries;
};
