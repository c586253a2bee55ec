import { crc32, deflateRawSync } from 'node:zlib';

/** A file of an archive. Its sizes may lie. */
export interface ZipFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly isDeflated?: boolean;
  /** The size that the directory tells, when it is not the true one. */
  readonly bytes?: number;
  readonly flags?: number;
  /** Bytes of the file as they stand in the archive. */
  readonly stored?: Uint8Array;
}

const header = (
  signature: number,
  length: number,
  fields: readonly (readonly [at: number, bytes: 2 | 4, value: number])[],
): Buffer => {
  const record = Buffer.alloc(length);
  record.writeUInt32LE(signature);
  for (const [at, bytes, value] of fields) record.writeUIntLE(value, at, bytes);
  return record;
};

/** A zip archive, whose directory may lie: `changes` are bytes of its end by their place. */
export const zipOf = (files: readonly ZipFile[], changes: Readonly<Record<number, number>> = {}): Buffer => {
  const [locals, entries]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { name, content, isDeflated = false, bytes = content.length, flags = 0, stored } of files) {
    const body = stored ?? (isDeflated ? deflateRawSync(content) : content);
    const method = isDeflated ? 8 : 0;
    const label = Buffer.from(name);
    locals.push(
      header(0x04034b50, 30, [
        [8, 2, method],
        [26, 2, label.length],
      ]),
      label,
      Buffer.from(body),
    );
    const fields = [
      [8, 2, flags],
      [10, 2, method],
      [16, 4, crc32(content)],
      [20, 4, body.length],
      [24, 4, bytes],
      [28, 2, label.length],
      [42, 4, offset],
    ] as const;
    entries.push(header(0x02014b50, 46, fields), label);
    offset += 30 + label.length + body.length;
  }
  const directory = Buffer.concat(entries);
  const end = header(0x06054b50, 22, [
    [8, 2, files.length],
    [10, 2, files.length],
    [12, 4, directory.length],
    [16, 4, offset],
  ]);
  for (const [at, value] of Object.entries(changes)) end.writeUInt8(value, Number(at));
  return Buffer.concat([...locals, directory, end]);
};
