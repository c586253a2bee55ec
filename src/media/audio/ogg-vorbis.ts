import {
  type AudioHeader,
  type AudioStream,
  attempt,
  type Block,
  createDecodedCheck,
  refuseAudio,
} from './audio-stream.ts';
import { countSamples, type Link, openLinks, type Page } from './ogg-pages.ts';

const MAGIC = '\x01vorbis';

/** Most samples that are decoded at a time: two bytes can become 4,096 samples of each channel. */
const STEP_SAMPLES = 2 ** 20;

/** Splits the file into steps of whole pages, as large as possible: the decoder's parser begins anew with each step. */
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

async function* readBlocks(steps: Iterable<Uint8Array>, header: AudioHeader): AsyncGenerator<Block> {
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  const check = createDecodedCheck(header);
  try {
    for (const step of steps) yield check(await attempt(header.format, () => decoder.decode(step)));
    yield check(await attempt(header.format, () => decoder.flush()));
  } finally {
    decoder.free();
  }
}

const openLink = ({ bytes, pages }: Link): AudioStream => {
  const head = Buffer.from(pages[0]?.body ?? []);
  if (!head.toString('latin1').startsWith(MAGIC)) return refuseAudio('ogg-vorbis', 'changes its codec; save it anew');
  if (head.length < 30) return refuseAudio('ogg-vorbis', 'has a damaged header');
  const channels = head.readUInt8(11);
  const header: AudioHeader = { format: 'ogg-vorbis', sampleRate: head.readUInt32LE(12), channels };
  const samplesPerPacket = 2 ** (head.readUInt8(28) >> 4) * channels;
  const blocks = () => readBlocks(toSteps(bytes, pages, samplesPerPacket), header);
  return { ...header, sampleCount: countSamples(pages), blocks };
};

/**
 * Opens an Ogg Vorbis file. The first page of each of its streams is a header (Vorbis I, 4.2.2).
 * @throws `INVALID_INPUT`
 */
export const openVorbis = (bytes: Uint8Array): AudioStream => openLinks(bytes, 'ogg-vorbis', openLink);
