import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, tensor } from '../../../src/core/tensor.ts';
import { createSession } from '../../../src/engine/session.ts';
import { toPieces } from '../../../src/onnx/chunks.ts';
import { createGraph, singles } from '../../../src/onnx/graph-builder.ts';
import { integer } from '../../../src/onnx/node.ts';
import { FIXTURES, readJson } from '../image-parity.ts';
import type { GeneratedReference } from './generated-reference.ts';

/** How onnxruntime multiplies by weights of 4 bits where a model allows 8 bits: in float32 on x86 without AVX2. */
type Products = 'int8' | 'float32';

/** Elements that share a scale. */
const BLOCK = 32;

/** The sum of 32 numbers as a product with weights of 4 bits: the first weight is 0, the others are 1. */
const sumGraph = () => {
  const graph = createGraph();
  const weights: Tensor[] = [
    tensor('uint8', [1, 1, BLOCK / 2], new Uint8Array(BLOCK / 2).fill(0x99).fill(0x98, 0, 1)), // 8 stands for 0
    singles([1, 1], [1]),
  ];
  const attributes = { K: BLOCK, N: 1, bits: 4, block_size: BLOCK, accuracy_level: 4 };
  const typed = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, integer(value)]));
  const inputs = [graph.input('x', 'float32', [1, BLOCK]), ...weights.map(graph.constant)];
  graph.output('y', graph.op('MatMulNBits', inputs, typed, 'com.microsoft'), 'float32', [1, 1]);
  return toPieces(graph.toModel());
};

/** Beside a number of 1,000, those of 1 become 0 in 8 bits. */
const productsHere = async (): Promise<Products> => {
  const folder = await mkdtemp(join(tmpdir(), 'int4-'));
  const path = join(folder, 'model.onnx');
  await writeFile(path, sumGraph());
  const session = await createSession(path, 1_769);
  const { y } = await session.run({ x: singles([1, BLOCK], new Float32Array(BLOCK).fill(1).fill(1_000, 0, 1)) });
  await session.release();
  await rm(folder, { recursive: true });
  return Number(y?.data[0]) < BLOCK / 2 ? 'int8' : 'float32';
};

/** Instructions of the processor that the reference was made on. */
const OWN_INSTRUCTIONS = 'avx512_vnni';

/**
 * The share of tokens whose log-probabilities are compared. Another processor adds in another order, so that now and then a number lies on
 * the other side of a step of 8 bits: on the AVX2 of the emulator, 5 of 100 log-probabilities moved, by up to 0.08.
 */
const shareOf = async (products: Products): Promise<number> => {
  if (products === 'float32') return 1;
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => ''); // Linux alone has the file
  return processor.includes(OWN_INSTRUCTIONS) ? 1 : 0.9;
};

interface Int4Reference {
  readonly reference: readonly GeneratedReference[];
  readonly share: number;
}

/**
 * What onnxruntime-genai answers where it multiplies as this processor does. A margin is the smaller one of both ways, so that the same
 * prompts are sure on every processor. Made by test/reference/int4_decoder.py.
 */
export const readInt4 = async (): Promise<Int4Reference> => {
  const references = (await readJson(join(FIXTURES, 'reference/int4-decoder.json'))) as Readonly<
    Record<Products, readonly GeneratedReference[]>
  >;
  const { int8, float32 } = references;
  const products = await productsHere();
  const reference = references[products].map((one, index) => ({
    ...one,
    margin: Math.min(int8[index]?.margin ?? 0, float32[index]?.margin ?? 0),
  }));
  return { reference, share: await shareOf(products) };
};
