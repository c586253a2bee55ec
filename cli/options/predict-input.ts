import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { isObject } from '../../src/core/is-object.ts';
import { decodeUtf8 } from '../../src/protocol/json.ts';
import { MAX_INPUT_BYTES } from '../../src/protocol/task-api/object-reference.ts';
import { unlessMissing } from '../../src/repository/model-repository.ts';
import { decodedMediaType } from '../../src/serving/input-decoders.ts';
import type { Terminal } from '../output/terminal.ts';
import type { Target } from '../targets/target.ts';

/** A request to Lambda has at most 6 MB, behind base64. */
export const MAX_REQUEST_BYTES = 4_500_000;
const JSON_TYPE = 'application/json';
/** Anything else is left to the task, which looks at the bytes. */
const UNKNOWN_TYPE = 'application/octet-stream';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.json': JSON_TYPE,
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.gif': 'image/gif',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
  '.jsonl': 'application/jsonl',
  '.wav': 'audio/wav',
  '.flac': 'audio/flac',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.opus': 'audio/ogg',
};

/** A file to send. */
export interface Input {
  readonly path: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly contentType: string;
}

/** Reads no more than an input may have: a device has no end. @throws `PAYLOAD_TOO_LARGE` */
const readBounded = async (path: string): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Buffer<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer<ArrayBuffer>>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_INPUT_BYTES)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `${path} has more than the ${formatBytes(MAX_INPUT_BYTES)} that are read`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** @throws `NOT_FOUND`, `PAYLOAD_TOO_LARGE` */
export const readInput = async (path: string): Promise<Input> => {
  const body = await readBounded(path).catch((error: NodeJS.ErrnoException) => {
    const { code, message } = error;
    if (error instanceof ServingError) throw error;
    if (code === 'ENOENT') throw new ServingError('NOT_FOUND', `there is no file ${path}`);
    if (code === 'EISDIR') throw new ServingError('NOT_FOUND', `there is no file ${path}: it is a directory`);
    throw new ServingError('NOT_FOUND', `cannot read ${path}: ${message}`);
  });
  const extension = extname(path).toLowerCase();
  const contentType = CONTENT_TYPES[extension] ?? (await decodedMediaType(extension)) ?? UNKNOWN_TYPE;
  return { path, body, contentType };
};

/** Tells whether the file is a request of the Open Inference Protocol: `{"inputs": [{"name", "datatype", …}]}`. */
export const isOpenInference = ({ body, contentType }: Input): boolean => {
  if (contentType !== JSON_TYPE) return false;
  try {
    const request: unknown = JSON.parse(decodeUtf8(body));
    const inputs = isObject(request) ? request.inputs : undefined;
    return Array.isArray(inputs) && inputs.some((input: unknown) => isObject(input) && 'datatype' in input);
  } catch {
    return false; // the server says what is wrong with it
  }
};

/** Puts what exceeds a request into the data bucket, under the digest of its content, and refers to it. */
export const viaStorage = async (
  model: string,
  input: Input,
  { data, buckets }: Pick<Target, 'data' | 'buckets'>,
  terminal: Terminal,
): Promise<Input> => {
  const { body, path } = input;
  const sha256 = createHash('sha256').update(body).digest('hex');
  const key = `uploads/${model}/sha256/${sha256}${extname(path).toLowerCase()}`;
  // A directory is no place that anybody uploads to.
  if (buckets)
    terminal.note(
      `${path} has ${formatBytes(body.byteLength)}, more than a request carries: it goes to ${data.location}/${key} and is answered as an upload too`,
    );
  if ((await unlessMissing(data.head(key))) === undefined) {
    const onProgress = terminal.progress('Uploading');
    await data.upload(key, path, { sha256, onProgress: (sentBytes) => onProgress(sentBytes, body.byteLength) });
  }
  return { path, body: Buffer.from(JSON.stringify({ inputs: { s3: key } })), contentType: JSON_TYPE };
};
