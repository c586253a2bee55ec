import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { NEVER } from '../../../../src/core/deadline.ts';
import { decodeAudio } from '../../../../src/media/audio/decode-audio.ts';
import { FIXTURES } from '../../../support/image-parity.ts';

const read = async (name: string): Promise<Buffer> => readFile(path.join(FIXTURES, 'audio', name));
const decode = async (bytes: Uint8Array, maxSeconds?: number) => decodeAudio(bytes, 16_000, NEVER, maxSeconds);

/** The checksum of an Ogg page, bit by bit. */
const oggChecksum = (page: Uint8Array): number => {
  let value = 0;
  for (const byte of page) {
    value ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  }
  return value >>> 0;
};

/** An Ogg file whose audio packets are rubbish, in pages whose checksums are right. */
const spoilPackets = (bytes: Buffer): Buffer => {
  const audio = bytes.indexOf('OggS', bytes.indexOf('OpusTags'));
  for (let at = audio; at < bytes.length; ) {
    const segments = bytes.subarray(at + 27, at + 27 + bytes.readUInt8(at + 26));
    const body = at + 27 + segments.length;
    const end = segments.reduce((sum, size) => sum + size, body);
    bytes.fill(0xff, body, end);
    bytes.writeUInt32LE(0, at + 22);
    bytes.writeUInt32LE(oggChecksum(bytes.subarray(at, end)), at + 22);
    at = end;
  }
  return bytes;
};

interface Wav {
  readonly tag?: number;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly bits?: number;
  readonly blockBytes?: number;
  /** As the chunk says. */
  readonly dataBytes?: number;
  readonly data?: Uint8Array;
}

const wav = ({ tag = 1, channels = 1, sampleRate = 16_000, bits = 16, data = new Uint8Array(64), ...said }: Wav) => {
  const { blockBytes = (channels * bits) / 8, dataBytes = data.byteLength } = said;
  const head = Buffer.alloc(44);
  head.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(tag, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(sampleRate, 24);
  head.writeUInt16LE(blockBytes & 0xffff, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(dataBytes, 40);
  return Buffer.concat([head, data]);
};

const floats = (...samples: number[]): Uint8Array => new Uint8Array(Float32Array.from(samples).buffer);
const doubles = (...samples: number[]): Uint8Array => new Uint8Array(Float64Array.from(samples).buffer);
const text = (characters: string): Buffer => Buffer.from(characters.padEnd(200, ' '), 'latin1');

describe('a file that is no audio', () => {
  it.each([
    ['nothing', 'INVALID_INPUT', /0 bytes/, Buffer.alloc(0)],
    ['text', 'INVALID_INPUT', /200 bytes that are no audio file, expected WAV, FLAC, MP3/, text('hello')],
    ['zeros', 'INVALID_INPUT', /no audio file/, Buffer.alloc(100_000)],
    ['bytes that resemble the start of an MP3 frame', 'INVALID_INPUT', /no audio file/, text('\xff\xfb\x90\0')],
    ['an image', 'INVALID_INPUT', /no audio file/, Buffer.from('\x89PNG\r\n\x1a\n'.padEnd(99), 'latin1')],
    ['M4A', 'UNSUPPORTED_MEDIA_TYPE', /received MP4 or M4A/, text('\0\0\0\x20ftypM4A ')],
    ['WebM', 'UNSUPPORTED_MEDIA_TYPE', /WebM/, text('\x1a\x45\xdf\xa3')],
    ['AIFF', 'UNSUPPORTED_MEDIA_TYPE', /AIFF/, text('FORM\0\0\0\0AIFF')],
    ['compressed AIFF', 'UNSUPPORTED_MEDIA_TYPE', /AIFF/, text('FORM\0\0\0\0AIFC')],
    ['Wave64', 'UNSUPPORTED_MEDIA_TYPE', /Wave64/, text('riff\x2e\x91\xcf\x11')],
    ['AAC', 'UNSUPPORTED_MEDIA_TYPE', /AAC/, text('\xff\xf1\x50\x80')],
    ['MIDI', 'UNSUPPORTED_MEDIA_TYPE', /MIDI/, text('MThd')],
    ['MP2', 'UNSUPPORTED_MEDIA_TYPE', /received MP2/, text('\xff\xfd\x84\x04')],
    ['text in UTF-16', 'INVALID_INPUT', /no audio file/, text('\xff\xfeh\0e\0l\0')],
    ['audio of Sun with its lowest byte first', 'UNSUPPORTED_MEDIA_TYPE', /Sun/, text('dns.')],
    ['AC-3', 'UNSUPPORTED_MEDIA_TYPE', /AC-3/, text('\x0b\x77\xc1\xfd')],
    ['WavPack', 'UNSUPPORTED_MEDIA_TYPE', /WavPack/, text('wvpk')],
    ['NIST SPHERE', 'UNSUPPORTED_MEDIA_TYPE', /NIST SPHERE/, text('NIST_1A\n   1024\n')],
    ['AVI', 'UNSUPPORTED_MEDIA_TYPE', /AVI/, text('RIFF\0\0\0\0AVI LIST')],
    ['an MPEG transport stream', 'UNSUPPORTED_MEDIA_TYPE', /transport/, text(`${'G'.padEnd(188)}G`)],
    ['text that begins with a G', 'INVALID_INPUT', /no audio file/, text('Good morning')],
    ['Speex in Ogg', 'UNSUPPORTED_MEDIA_TYPE', /another codec/, text(`OggS${'\0'.repeat(24)}Speex   `)],
  ])('refuses %s', async (_what, code, message, bytes) => {
    await expect(decode(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a WAV header that cannot be right', () => {
  it.each<[string, Wav, RegExp]>([
    ['a rate of 0', { sampleRate: 0 }, /sample rate of 0 Hz/],
    ['a rate of 4 GHz', { sampleRate: 4_000_000_000 }, /sample rate of 4000000000 Hz/],
    ['no channels', { channels: 0 }, /header is damaged/],
    ['65,535 channels', { channels: 65_535, bits: 8 }, /65535 channels, expected 1 to 8/],
    ['blocks of another size', { blockBytes: 3 }, /3 bytes for 1 samples of 16 bits/],
    ['more data than there is', { dataBytes: 100_000 }, /was cut: it says 100000 bytes of samples, 64 are there/],
    ['no samples', { data: new Uint8Array() }, /no samples/],
    ['less than one sample', { data: new Uint8Array(1) }, /no samples/],
    ['NaN', { tag: 3, bits: 32, data: floats(0, Number.NaN) }, /no finite numbers/],
    ['infinity', { tag: 3, bits: 32, data: floats(Number.NEGATIVE_INFINITY) }, /no finite numbers/],
    ['more than a float holds', { tag: 3, bits: 64, data: doubles(1e300) }, /no finite numbers/],
  ])('refuses %s', async (_what, header, message) => {
    await expect(decode(wav(header))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, Wav]>([
    ['ADPCM', { tag: 2, bits: 4 }],
    ['MP3 in WAV', { tag: 0x55, bits: 16 }],
    ['integers of 64 bits', { bits: 64 }],
    ['an unknown format', { tag: 0xbeef }],
  ])('says which samples it does not know: %s', async (_what, header) => {
    await expect(decode(wav(header))).rejects.toMatchObject({
      code: 'UNSUPPORTED_MEDIA_TYPE',
      message: expect.stringContaining(`format ${header.tag ?? 1} with ${header.bits ?? 16} bits`),
    });
  });

  it('reads nothing beyond the chunks that there are', async () => {
    for (let length = 0; length < 44; length += 1)
      await expect(decode(wav({}).subarray(0, length))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const hostile = wav({});
    hostile.writeUInt32LE(0xffff_ffff, 16); // the format's size
    await expect(decode(hostile)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a WAV file of a streaming program, which knows no length', () => {
  it.each([0, 0x7fff_f000, 0x8000_0000, 0xffff_ffff])('is read to its end for a size of %i', async (dataBytes) => {
    const data = floats(0.25, -0.5, 0.75);

    expect(Array.from(await decode(wav({ tag: 3, bits: 32, data, dataBytes })))).toEqual([0.25, -0.5, 0.75]);
  });
});

describe('an audio file that was cut', () => {
  it.each(['pcm-16.wav', 'mono.flac', 'mono.mp3', 'mono.ogg', 'stereo-44100.ogg', 'mono.opus'])(
    '%s: is refused',
    async (name) => {
      const bytes = await read(name);
      for (const share of [0.9, 0.6, 0.3])
        await expect(decode(bytes.subarray(0, Math.floor(bytes.byteLength * share)))).rejects.toMatchObject({
          code: 'INVALID_INPUT',
          message: expect.stringMatching(/cut|damaged|complete|no samples/),
        });
    },
  );
});

describe('a damaged audio file', () => {
  const damage = (bytes: Buffer, at: number): Buffer => {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 0xff;
    return damaged;
  };

  it.each(['mono.ogg', 'mono.opus'])('%s: is refused by the checksum of its page', async (name) => {
    const bytes = await read(name);
    await expect(decode(damage(bytes, bytes.length - 100))).rejects.toMatchObject({
      message: expect.stringMatching(/damaged in page \d/),
    });
  });

  it('with a page missing is refused', async () => {
    const one = await read('mono.ogg');
    const second = one.indexOf('OggS', 4);
    const third = one.indexOf('OggS', second + 4);
    await expect(decode(Buffer.concat([one.subarray(0, second), one.subarray(third)]))).rejects.toThrow(
      'lacks its page 1',
    );
  });

  it('in FLAC loses samples, which is noticed', async () => {
    const bytes = await read('mono.flac');
    await expect(decode(damage(bytes, Math.floor(bytes.length / 2)))).rejects.toThrow(/of 12800 samples \d+ are there/);
  });

  it('in Opus writes nothing past the logger, even if each packet is rubbish', async () => {
    const log = jest.spyOn(console, 'error').mockImplementation(() => {});

    await expect(decode(spoilPackets(await read('mono.opus')))).rejects.toThrow('damaged');

    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });

  it('of two MP3 files with different rates is refused', async () => {
    const both = Buffer.concat([await read('mono.mp3'), await read('stereo-44100.mp3')]);
    await expect(decode(both)).rejects.toThrow('changes within');
  });
});

describe('an audio file that is too long', () => {
  it.each(['voice.wav', 'mono.flac', 'mono.ogg', 'mono.opus'])(
    '%s: is refused before anything is decoded',
    async (name) => {
      await expect(decode(await read(name), 0.5)).rejects.toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        message: expect.stringContaining('longer than'),
      });
    },
  );

  it('is refused while it is decoded where its header does not say so', async () => {
    const flac = Buffer.from(await read('mono.flac'));
    flac.fill(0, 22, 26); // the number of samples: unknown
    expect(await decode(flac)).toHaveLength(12_800);
    await expect(decode(flac, 0.5)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    const mp3 = Buffer.from(await read('long-75s.mp3'));
    const [xing] = [mp3.indexOf('Xing'), mp3.indexOf('Info')].filter((at) => at >= 0);
    mp3.fill(0, xing, (xing as number) + 4);
    await expect(decode(mp3, 70)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });
});
