import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { createSilence } from '../../../src/media/audio/wav.ts';
import { createSilentFlac } from '../silent-flac.ts';
import type { FuzzedRequest } from './requests.ts';

/** Less than a megabyte, of which a program could make much more. */
const BYTES = 950_000;
const JSON_TYPE = 'application/json';

const filled = (start: string, unit: string, end: string): string =>
  `${start}${unit.repeat(Math.floor((BYTES - start.length - end.length - unit.length) / unit.length))}${end}`;

const post = (
  path: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): FuzzedRequest => ({
  ...{ path, query: '', headers: { 'content-type': JSON_TYPE, ...headers } },
  body: typeof body === 'string' ? Buffer.from(body) : body,
});

/** An image of one colour, of as many pixels as are taken, or more. */
const plainImage = (megapixels: number): Promise<Buffer> => {
  const side = Math.floor(Math.sqrt(megapixels * 1e6));
  const create = { width: side, height: side, channels: 3, background: 'red' } as const;
  return sharp({ create, limitInputPixels: false }).png({ compressionLevel: 9 }).toBuffer();
};

/** Requests of less than a megabyte that ask for the most memory, by their names. */
export const HEAVY_REQUESTS: Readonly<Record<string, () => FuzzedRequest | Promise<FuzzedRequest>>> = {
  'lists in lists': () => post('/models/iris', filled('{"inputs":', '[', '1')),
  'lists in lists that end': () =>
    post('/models/iris', `{"inputs":${'['.repeat(BYTES / 2 - 50)}${']'.repeat(BYTES / 2 - 50)}}`),
  'many rows': () => post('/models/iris', filled('{"inputs":[[1,2,3,4]', ',[1,2,3,4]', ']}')),
  'many empty rows': () => post('/models/iris', filled('{"inputs":[[]', ',[]', ']}')),
  'rows of CSV': () => post('/models/iris', filled('', '1,2,3,4\n', ''), { 'content-type': 'text/csv' }),
  'many keys': () =>
    post('/models/iris', `{"inputs":[1],${Array.from({ length: 70_000 }, (_, key) => `"k${key}":0`)}}`),
  'duplicate keys': () => post('/models/iris', filled('{"inputs":[[1,2,3,4]]', ',"inputs":[[1,2,3,4]]', '}')),
  'long integers': () =>
    post('/v2/models/iris/infer', filled('{"inputs":[12345678901234567890', ',12345678901234567890', ']}')),
  'a shape without its data': () =>
    post('/v2/models/iris/infer', '{"inputs":[{"name":"X","datatype":"FP32","shape":[500000000,4],"data":[1]}]}'),
  'a smuggled length': () =>
    post('/v2/models/iris/infer', filled('{"inputs":[]}', '\u0000', ''), {
      'inference-header-content-length': '999999999',
    }),
  'an inflated body': () =>
    post('/models/iris', gzipSync(Buffer.alloc(900_000_000, 32)), { 'content-encoding': 'gzip' }),
  'a long text': () => post('/models/sentiment', JSON.stringify({ inputs: 'a '.repeat(BYTES / 2 - 20) })),
  'a word without an end': () => post('/models/sentiment', JSON.stringify({ inputs: 'a'.repeat(BYTES - 20) })),
  'many texts': () =>
    post('/models/sentiment', JSON.stringify({ inputs: Array.from({ length: 1_000 }, () => 'a '.repeat(450)) })),
  'an image of 60 megapixels': async () =>
    post('/models/efficientnet-lite0', await plainImage(60), { 'content-type': 'image/png' }),
  'an image of 200 megapixels': async () =>
    post('/models/efficientnet-lite0', await plainImage(200), { 'content-type': 'image/png' }),
  'many images': async () => {
    const image = (await plainImage(2)).toString('base64');
    return post('/models/efficientnet-lite0', JSON.stringify({ inputs: Array.from({ length: 32 }, () => image) }));
  },
  'a sound that says it is long': () => {
    const sound = Buffer.from(createSilence(1, 8_000));
    sound.writeUInt32LE(0x7ffe_0000, 40);
    return post('/models/tiny-wav2vec2', sound, { 'content-type': 'audio/wav' });
  },
  'half an hour of silence': () =>
    post('/models/tiny-whisper', createSilentFlac(1_800), { 'content-type': 'audio/flac' }),
};
