/** The least that generates a token cold: Node, onnxruntime, a decoder from disk, one run. Its answer is the line it prints. */
import { openDecoder } from './decoder.ts';

const [, , graphPath = '', prompt = ''] = process.argv;
const generate = await openDecoder(graphPath);
console.log(JSON.stringify(await generate(JSON.parse(prompt), 1)));
