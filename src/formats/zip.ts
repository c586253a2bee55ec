import { crc32, inflateRawSync } from 'node:zlib';
import { ServingError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { refuse } from './refuse.ts';

/** Sizes and signatures of the records of an archive. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3 */
const END = { signature: 0x06054b50, bytes: 22, longestComment: 0xffff };
const ENTRY = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };

const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

const MOST_ENTRIES = 60_000;

/** Bytes that every archive may have when it is inflated, the multiple of its own size beyond that, and the most of all. */
const BASE = 128e6;
const FACTOR = 50;
const MOST = 2e9;

interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly storedBytes: number;
  readonly bytes: number;
  /** The place of its local header. */
  readonly offset: number;
}

const findEnd = (archive: Buffer): number => {
  const first = Math.max(0, archive.length - END.bytes - END.longestComment);
  for (let at = archive.length - END.bytes; at >= first; at -= 1)
    if (archive.readUInt32LE(at) === END.signature) return at;
  return refuse('it is no zip archive, or was cut short; copy it again as a binary file');
};

const readEntry = (archive: Buffer, at: number): Entry & { readonly recordBytes: number } => {
  if (archive.readUInt32LE(at) !== ENTRY.signature) refuse('the directory of the zip archive is damaged');
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => archive.readUInt16LE(at + field));
  const recordBytes = ENTRY.bytes + (nameBytes ?? 0) + (extraBytes ?? 0) + (commentBytes ?? 0);
  return {
    name: archive.toString('utf8', at + ENTRY.bytes, at + ENTRY.bytes + (nameBytes ?? 0)),
    flags: archive.readUInt16LE(at + 8),
    method: archive.readUInt16LE(at + 10),
    crc: archive.readUInt32LE(at + 16),
    storedBytes: archive.readUInt32LE(at + 20),
    bytes: archive.readUInt32LE(at + 24),
    offset: archive.readUInt32LE(at + 42),
    recordBytes,
  };
};

/** Entries of the directory. Archives beyond 4 GB (zip64) are larger than Node reads into memory. */
const readDirectory = (archive: Buffer): readonly Entry[] => {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  if (count > MOST_ENTRIES) refuse(`the zip archive has ${count} entries or more, expected ${MOST_ENTRIES} at most`);
  let at = archive.readUInt32LE(end + 16);
  return Array.from({ length: count }, () => {
    const entry = readEntry(archive, at);
    at += entry.recordBytes;
    return entry;
  });
};

const assertName = (name: string): void => {
  const isOutside = name.startsWith('/') || /^[A-Za-z]:/.test(name) || name.split('/').includes('..');
  if (name === '' || isOutside || /[\\\0]/.test(name))
    refuse(
      `the zip archive has an entry named ${JSON.stringify(name.slice(0, 80))}, expected a path inside the archive`,
    );
};

const assertSizes = (entries: readonly Entry[], archiveBytes: number): void => {
  const sum = (field: 'bytes' | 'storedBytes') => entries.reduce((total, entry) => total + entry[field], 0);
  const most = Math.min(Math.max(BASE, FACTOR * archiveBytes), MOST);
  if (sum('bytes') > most || sum('storedBytes') > archiveBytes)
    refuse(
      `the zip archive of ${formatBytes(archiveBytes)} has ${formatBytes(sum('bytes'))} when it is inflated, expected ${formatBytes(most)} at most`,
    );
};

const readContent = (archive: Buffer, { name, flags, method, crc, storedBytes, bytes, offset }: Entry): Buffer => {
  const damaged = `${JSON.stringify(name.slice(0, 80))} in the zip archive is damaged; copy the archive again as a binary file`;
  if ((flags & ENCRYPTED) !== 0 || (method !== STORED && method !== DEFLATED))
    refuse(
      `${JSON.stringify(name.slice(0, 80))} in the zip archive is encrypted or compressed with another method than deflate`,
    );
  if (archive.readUInt32LE(offset) !== LOCAL.signature) refuse(damaged);
  const start = offset + LOCAL.bytes + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28);
  const stored = archive.subarray(start, start + storedBytes);
  const content = method === STORED ? stored : inflateRawSync(stored, { maxOutputLength: Math.max(1, bytes) });
  return content.length === bytes && crc32(content) === crc ? content : refuse(damaged);
};

/** Runs `read`, whose reads beyond the end throw. @throws `MODEL_INVALID` */
const reading = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuse('the zip archive is damaged or was cut short; copy it again as a binary file', error);
  }
};

/**
 * The files of a zip archive by name, each inflated and checked when it is asked for. The sizes in the directory are checked before.
 * @throws `MODEL_INVALID` for an archive that is damaged, has a name twice or outside of itself, or would be too large
 */
export const readZip = (bytes: Uint8Array): ReadonlyMap<string, () => Buffer> => {
  const archive = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = reading(() => readDirectory(archive));
  for (const { name } of entries) assertName(name);
  assertSizes(entries, archive.length);
  const files = entries.filter(({ name }) => !name.endsWith('/'));
  const contents = new Map(files.map((entry) => [entry.name, () => reading(() => readContent(archive, entry))]));
  if (contents.size < files.length) refuse('the zip archive has two entries of one name');
  return contents;
};
