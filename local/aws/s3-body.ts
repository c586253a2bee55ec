import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { AwsError } from './aws-error.ts';
import { createCrc32c, createCrc64Nvme } from './crc.ts';

interface Checksum {
  update(chunk: Uint8Array): unknown;
  digest(encoding: 'base64' | 'hex'): string;
}

const createCrc32 = (): Checksum => {
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    digest: (encoding) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString(encoding);
    },
  };
};

/** The checksums that S3 clients send as a header or as a trailer. */
const CHECKSUMS: Readonly<Record<string, () => Checksum>> = {
  'content-md5': () => createHash('md5'),
  'x-amz-checksum-crc32': createCrc32,
  'x-amz-checksum-crc32c': createCrc32c,
  'x-amz-checksum-crc64nvme': createCrc64Nvme,
  'x-amz-checksum-sha1': () => createHash('sha1'),
  'x-amz-checksum-sha256': () => createHash('sha256'),
};

/**
 * Decodes `aws-chunked`, in which SDKs send streams: `<hex size>[;signature]\r\n<bytes>\r\n`, a chunk of size 0, and then
 * trailing headers, which are added to `trailers`.
 */
async function* decodeAwsChunked(
  source: AsyncIterable<Uint8Array>,
  trailers: Record<string, string>,
): AsyncIterable<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let buffer = Buffer.alloc(0);

  const readMore = async (): Promise<void> => {
    const { value, done } = await chunks.next();
    if (done) throw new AwsError('IncompleteBody', 400, 'The aws-chunked body ended before its last chunk.');
    buffer = Buffer.concat([buffer, value]);
  };
  const readLine = async (): Promise<string> => {
    while (!buffer.includes('\r\n')) await readMore();
    const end = buffer.indexOf('\r\n');
    const line = buffer.toString('latin1', 0, end);
    buffer = buffer.subarray(end + 2);
    return line;
  };

  for (;;) {
    let remainingBytes = Number.parseInt(await readLine(), 16);
    if (Number.isNaN(remainingBytes)) throw new AwsError('InvalidRequest', 400, 'The body is not aws-chunked.');
    if (remainingBytes === 0) break;
    while (remainingBytes > 0) {
      if (buffer.byteLength === 0) await readMore();
      const piece = buffer.subarray(0, remainingBytes);
      buffer = buffer.subarray(piece.byteLength);
      remainingBytes -= piece.byteLength;
      yield piece;
    }
    await readLine();
  }
  for (let line = await readLine(); line !== ''; line = await readLine()) {
    const colon = line.indexOf(':');
    trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
}

/** @throws AwsError `XAmzContentSHA256Mismatch` */
const assertHash = (expected: unknown, received: string | undefined): void => {
  if (received !== undefined && received !== expected)
    throw new AwsError(
      'XAmzContentSHA256Mismatch',
      400,
      `The x-amz-content-sha256 you specified, ${expected}, is not what was received: ${received}.`,
    );
};

/** The bytes that the client means. @throws AwsError, after the last of them, when a checksum or a size that it sent does not fit */
export async function* readObjectBytes(request: IncomingMessage): AsyncIterable<Uint8Array> {
  const expected: Record<string, string> = {};
  for (const name of Object.keys(CHECKSUMS)) {
    const value = request.headers[name];
    if (typeof value === 'string') expected[name] = value;
  }
  const announced = [...Object.keys(expected), String(request.headers['x-amz-trailer'] ?? '').toLowerCase()];
  const checksums = Object.entries(CHECKSUMS).flatMap(([name, create]) =>
    announced.includes(name) ? [{ name, checksum: create() }] : [],
  );
  const { 'x-amz-content-sha256': hash = '', 'x-amz-decoded-content-length': decodedBytes } = request.headers;
  // MinIO's clients say it by the hash alone.
  const isChunked =
    (request.headers['content-encoding']?.includes('aws-chunked') ?? false) || String(hash).startsWith('STREAMING-');
  const signed = /^[0-9a-f]{64}$/.test(String(hash)) ? createHash('sha256') : undefined;
  let sizeBytes = 0;
  for await (const chunk of isChunked ? decodeAwsChunked(request, expected) : request) {
    for (const { checksum } of checksums) checksum.update(chunk);
    signed?.update(chunk);
    sizeBytes += chunk.byteLength;
    yield chunk;
  }
  if (isChunked && decodedBytes !== undefined && Number(decodedBytes) !== sizeBytes)
    throw new AwsError(
      'IncompleteBody',
      400,
      `x-amz-decoded-content-length is ${decodedBytes}, received ${sizeBytes}.`,
    );
  assertHash(hash, signed?.digest('hex'));
  for (const { name, checksum } of checksums) {
    const received = checksum.digest('base64');
    if (expected[name] !== received)
      throw new AwsError(
        'BadDigest',
        400,
        `The ${name} you specified, ${expected[name]}, is not what was received: ${received}.`,
      );
  }
}
