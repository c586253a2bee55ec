/**
 * The least that generates a token cold: Node, the files of a decoder by raw ranged requests if any are named, onnxruntime, one run. Its answer is
 * the line that it prints.
 */
import { openDecoder } from './decoder.ts';
import { downloadRaw } from './download.ts';

interface Download {
  readonly url: string;
  readonly bytes: number;
  readonly path: string;
}

/** The fastest of several for 184 MB. */
const RANGES = { partBytes: 8 * 1024 * 1024, inFlight: 8 };

const [, , graphPath = '', prompt = '', downloads = '[]'] = process.argv;
await Promise.all(
  (JSON.parse(downloads) as Download[]).map(({ url, bytes, path }) => downloadRaw(url, bytes, path, RANGES)),
);
const generate = await openDecoder(graphPath);
console.log(JSON.stringify(await generate(JSON.parse(prompt), 1)));
