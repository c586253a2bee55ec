import { type AudioFile, attempt, type Block, createDecodedCheck, refuseAudio } from './audio-file.ts';
import { countSamples, type Page, readPages } from './ogg-pages.ts';

async function* readBlocks(
  pages: readonly Page[],
  file: Parameters<typeof createDecodedCheck>[0],
): AsyncGenerator<Block> {
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  const check = createDecodedCheck(file);
  try {
    for (const { bytes } of pages) yield check(await attempt(file.format, () => decoder.decode(bytes)));
    yield check(await attempt(file.format, () => decoder.flush()));
  } finally {
    decoder.free();
  }
}

/**
 * Ogg Vorbis; the header is the first page (Vorbis I, 4.2.2).
 * @throws `INVALID_INPUT`
 */
export const openVorbis = (bytes: Uint8Array): AudioFile => {
  const pages = readPages(bytes, 'ogg-vorbis');
  const head = Buffer.from(pages[0]?.body ?? []);
  if (head.length < 30) return refuseAudio('ogg-vorbis', 'has a damaged header');
  const file = { format: 'ogg-vorbis', sampleRate: head.readUInt32LE(12), channels: head.readUInt8(11) } as const;
  return { ...file, sampleCount: countSamples(pages), blocks: () => readBlocks(pages, file) };
};
