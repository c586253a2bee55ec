import { type AudioFile, attempt, type Block, createDecodedCheck, refuseAudio } from './audio-file.ts';
import { countSamples, type Page, readPages } from './ogg-pages.ts';

/** Two bytes can become 4,096 samples of each channel: no more than these are decoded at a time. */
const STEP_SAMPLES = 2 ** 20;

/** The file in steps of whole pages; small steps make the decoder's parser begin again and again. */
function* toSteps(bytes: Uint8Array, pages: readonly Page[], samplesPerPacket: number): Generator<Uint8Array> {
  let [start, end, packets] = [0, 0, 0];
  for (const page of pages) {
    const own = page.segments.reduce((count, size) => count + (size < 255 ? 1 : 0), 0);
    if (end > start && (packets + own) * samplesPerPacket > STEP_SAMPLES) {
      yield bytes.subarray(start, end);
      [start, packets] = [end, 0];
    }
    packets += own;
    end += page.bytes.byteLength;
  }
  yield bytes.subarray(start, end);
}

async function* readBlocks(
  steps: Iterable<Uint8Array>,
  file: Parameters<typeof createDecodedCheck>[0],
): AsyncGenerator<Block> {
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  const check = createDecodedCheck(file);
  try {
    for (const step of steps) yield check(await attempt(file.format, () => decoder.decode(step)));
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
  const samplesPerPacket = 2 ** (head.readUInt8(28) >> 4) * file.channels;
  const blocks = () => readBlocks(toSteps(bytes, pages, samplesPerPacket), file);
  return { ...file, sampleCount: countSamples(pages), blocks };
};
