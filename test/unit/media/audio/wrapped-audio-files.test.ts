import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { NEVER } from '../../../../src/core/deadline.ts';
import { decodeAudio } from '../../../../src/media/audio/decode-audio.ts';
import { FIXTURES } from '../../../support/image-parity.ts';

const read = async (name: string): Promise<Buffer> => readFile(path.join(FIXTURES, 'audio', name));
const decode = async (bytes: Uint8Array, sampleRate = 16_000): Promise<Float32Array> =>
  decodeAudio(bytes, sampleRate, NEVER);

const toBytes = (samples: Float32Array): Uint8Array =>
  new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
const bytesOf = async (file: Buffer): Promise<Uint8Array> => toBytes(await decode(file));

/** Frames of another rate: whoever reads a tag as audio would decode, or stumble over, them. */
const CONTENT = (await read('stereo-44100.mp3')).subarray(0, 5_000);

const sevenBits = (size: number): number[] => [21, 14, 7, 0].map((shift) => (size >> shift) & 127);
const id3 = (flags: number, content: Buffer = CONTENT): Buffer =>
  Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 4, 0, flags, ...sevenBits(content.length)]), content]);
const id3Footer = Buffer.from([0x33, 0x44, 0x49, 4, 0, 0x10, ...sevenBits(CONTENT.length)]);
const ape = (isHeader: boolean): Buffer => {
  const edge = Buffer.alloc(32);
  edge.write('APETAGEX', 'latin1');
  edge.writeUInt32LE(2_000, 8);
  edge.writeUInt32LE(CONTENT.length + 32, 12); // with its footer
  edge.writeUInt32LE(isHeader ? 0xa000_0000 : 0x8000_0000, 20);
  return edge;
};
const APE_TAG = Buffer.concat([ape(true), CONTENT, ape(false)]);
const ID3V1_TAG = Buffer.concat([Buffer.from('TAG'), CONTENT.subarray(0, 125)]);
const LYRICS_TAG = Buffer.concat([
  Buffer.from('LYRICSBEGIN'),
  CONTENT,
  Buffer.from(`${String(CONTENT.length + 11).padStart(6, '0')}LYRICS200`),
]);
const NOTHING = Buffer.alloc(0);

describe('an audio file with tags', () => {
  it.each(['mono.mp3', 'stereo-44100.mp3', 'mono.flac', 'stereo-24bit-44100.flac'])(
    '%s: has the samples that it has without them',
    async (name) => {
      const plain = await read(name);
      const samples = await decode(plain);
      const tags: readonly (readonly [Buffer, Buffer])[] = [
        [id3(0), NOTHING],
        [Buffer.concat([id3(0), id3(0)]), NOTHING],
        [Buffer.concat([id3(0x10), id3Footer, id3(0, NOTHING)]), NOTHING],
        [APE_TAG, NOTHING],
        [NOTHING, ID3V1_TAG],
        [NOTHING, APE_TAG],
        [id3(0), Buffer.concat([APE_TAG, ID3V1_TAG])],
        [NOTHING, Buffer.concat([LYRICS_TAG, ID3V1_TAG])],
        [NOTHING, Buffer.concat([id3(0x10), id3Footer])],
      ];
      for (const [before, behind] of tags)
        expect(Buffer.compare(await bytesOf(Buffer.concat([before, plain, behind])), toBytes(samples))).toBe(0);
    },
  );

  it('is recognised by what stands behind them', async () => {
    const wav = await read('pcm-16.wav');
    expect(Buffer.compare(await bytesOf(Buffer.concat([id3(0), wav])), await bytesOf(wav))).toBe(0);
    await expect(decode(Buffer.concat([id3(0), Buffer.from('\xff\xf1\x50\x80'.repeat(99), 'latin1')]))).rejects.toThrow(
      'received AAC',
    );
  });

  it('is refused when it ends within one', async () => {
    for (const file of [id3(0), id3(0).subarray(0, 999), Buffer.concat([id3(0), id3(0).subarray(0, 10)])])
      await expect(decode(file)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/has a tag of 5010 bytes, and ends after \d+ of them; send the whole file/),
      });
  });

  it('keeps what only looks like the end of one', async () => {
    const mp3 = await read('mono.mp3');
    const samples = await decode(mp3);
    for (const end of ['999999LYRICS200', 'abcdefLYRICS200'])
      expect((await decode(Buffer.concat([mp3, Buffer.from(end)]))).length).toBe(samples.length);
  });
});

describe('Ogg streams that follow each other in a file', () => {
  it.each([
    [16_000, ['mono.ogg', 'mono.ogg']],
    [44_100, ['stereo-44100.ogg', 'stereo-44100.ogg', 'stereo-44100.ogg']],
    [48_000, ['mono.opus', 'stereo.opus', 'mono.opus']],
  ])('have their samples one after the other, at %i Hz: %j', async (rate, names) => {
    const files = await Promise.all(names.map(read));
    const samples = await Promise.all(files.map((file) => decode(file, rate)));

    const joined = Buffer.concat(samples.map(toBytes));
    expect(Buffer.compare(toBytes(await decode(Buffer.concat(files), rate)), joined)).toBe(0);
  });

  it.each([
    ['rates', 'changes within from 16000 Hz to 44100 Hz', ['mono.ogg', 'stereo-44100.ogg']],
    ['codecs', 'changes its codec', ['mono.ogg', 'mono.opus']],
    ['codecs', 'changes its codec', ['mono.opus', 'mono.ogg']],
  ])('are refused for different %s: %s', async (_what, message, names) => {
    await expect(decode(Buffer.concat(await Promise.all(names.map(read))))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message),
    });
  });

  it('are refused side by side, and with a page missing in the second one', async () => {
    const [one, other] = [await read('mono.ogg'), await read('stereo-44100.ogg')];
    const second = one.indexOf('OggS', 4);
    const third = one.indexOf('OggS', second + 4);
    const [first, gap] = [one.subarray(0, second), one.subarray(third)];

    await expect(decode(Buffer.concat([first, other, one.subarray(second)]))).rejects.toThrow('side by side');
    await expect(decode(Buffer.concat([one, first, gap]))).rejects.toThrow(/lacks its page \d+/);
  });
});

const chunk = (id: string, size: number, content: Buffer = NOTHING): Buffer => {
  const head = Buffer.alloc(8);
  head.write(id, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content]);
};
const PCM_FORMAT = Buffer.from('01000100803e0000007d000002001000', 'hex');
const SAMPLES = Buffer.from(Int16Array.of(8_192, -16_384, 24_576).buffer);

/** A file with the size of its samples in 64 bits. */
const longWav = (kind: string, dataBytes: bigint): Buffer => {
  const sizes = Buffer.alloc(28);
  sizes.writeBigUInt64LE(dataBytes, 8);
  const chunks = [chunk('ds64', 28, sizes), chunk('fmt ', 16, PCM_FORMAT), chunk('data', 0xffff_ffff, SAMPLES)];
  return Buffer.concat([chunk(kind, 0xffff_ffff), Buffer.from('WAVE'), ...chunks]);
};

describe('a WAV file with sizes of 64 bits', () => {
  it.each<[string, bigint, number[]]>([
    ['RF64', 6n, [0.25, -0.5, 0.75]],
    ['BW64', 4n, [0.25, -0.5]],
    ['RF64', 0n, [0.25, -0.5, 0.75]],
    ['RF64', 0xffff_ffff_ffff_ffffn, [0.25, -0.5, 0.75]],
  ])('%s is read as far as it says, or to its end: %i', async (kind, dataBytes, samples) => {
    expect(Array.from(await decode(longWav(kind, dataBytes)))).toEqual(samples);
  });

  it('is refused when it was cut', async () => {
    for (const dataBytes of [8n, 5_000_000_000n])
      await expect(decode(longWav('RF64', dataBytes))).rejects.toThrow(
        `was cut: it says ${dataBytes} bytes of samples, 6 are there`,
      );
  });

  it('is refused when it ends anywhere in its header', async () => {
    const whole = longWav('RF64', 6n);
    for (let length = 0; length < whole.length - SAMPLES.length; length += 1)
      await expect(decode(whole.subarray(0, length))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

/** Offsets and bytes of the numbers of a format; the last part of its identifier is bytes. */
const FORMAT_FIELDS = [
  ...[
    [0, 2],
    [2, 2],
    [4, 4],
    [8, 4],
    [12, 2],
    [14, 2],
  ],
  ...[
    [16, 2],
    [18, 2],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
  ],
] as const;

it('an MP3 file that is shorter than a frame has the samples that its encoder was given', async () => {
  expect(await decode(await read('short-23ms.mp3'), 44_100)).toHaveLength(1_000);
});

describe('a WAV file whose numbers begin with their highest byte', () => {
  it('has the samples of the other order, in an extensible format, too', async () => {
    const extensible = await read('extensible-float-stereo.wav');
    const swapped = Buffer.from(extensible);
    swapped.write('RIFX', 'latin1');
    const swap = (at: number, bytes: number): void => void swapped.subarray(at, at + bytes).reverse();
    swap(4, 4);
    for (let at = 12; at + 8 <= extensible.length; ) {
      const size = extensible.readUInt32LE(at + 4);
      const id = extensible.toString('latin1', at, at + 4);
      swap(at + 4, 4);
      if (id === 'fmt ') for (const [offset, bytes] of FORMAT_FIELDS) swap(at + 8 + offset, bytes);
      if (id === 'data') for (let sample = at + 8; sample < at + 8 + size; sample += 4) swap(sample, 4);
      at += 8 + size;
    }
    expect(Buffer.compare(await bytesOf(swapped), await bytesOf(extensible))).toBe(0);
  });
});
