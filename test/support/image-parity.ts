import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { NEVER } from '../../src/core/deadline.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { createSession } from '../../src/engine/session.ts';
import { openImage } from '../../src/media/image/decode.ts';
import { toGeometry } from '../../src/media/image/geometry.ts';
import { toPixelValues } from '../../src/media/image/pixel-values.ts';
import { parseImagePreprocessing } from '../../src/media/image/preprocessing.ts';
import { softmax } from '../../src/tasks/scores.ts';
import { preprocessImage } from './preprocess-image.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const MODEL = path.join(ROOT, 'models/efficientnet-lite0');
export const FIXTURES = path.join(ROOT, 'test/fixtures');

/** How one picture fares from its bytes to its label, against Python `transformers` and onnxruntime. */
export interface Parity {
  readonly image: string;
  /** Mean and largest difference of the resized pixels, of 255 levels. */
  readonly meanPixelDifference: number;
  readonly maxPixelDifference: number;
  /** Largest difference of a logit when the graph is fed the reference's own pixels. */
  readonly logitDifference: number;
  /** Largest difference of a probability, from the picture's bytes on. */
  readonly probabilityDifference: number;
  readonly label: string;
  readonly expectedLabel: string;
  /** By how much the reference's first probability exceeds its second. */
  readonly margin: number;
}

interface Expected {
  readonly top1: string;
  readonly margin: number;
  readonly logits: string;
}

export const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

/** Float32 values as the reference scripts store them. */
export const decodeFloats = (text: string): Float32Array =>
  new Float32Array(Uint8Array.from(inflateSync(Buffer.from(text, 'base64'))).buffer);

const differences = (actual: Float32Array, expected: Float32Array): { mean: number; max: number } => {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, expected ${expected.length}`);
  const absolute = actual.map((value, i) => Math.abs(value - (expected[i] as number)));
  return {
    mean: absolute.reduce((total, value) => total + value, 0) / absolute.length,
    max: absolute.reduce((largest, value) => Math.max(largest, value), 0),
  };
};

/** Runs every picture of `fixtures/images` through preprocessing and the sample model. */
export const measureParity = async (): Promise<Parity[]> => {
  const config = (await readJson(path.join(MODEL, 'preprocessor_config.json'))) as { image_std: number[] };
  const { id2label } = (await readJson(path.join(MODEL, 'config.json'))) as { id2label: Record<number, string> };
  const reference = (await readJson(path.join(FIXTURES, 'reference/image-classification.json'))) as {
    images: Record<string, Expected>;
  };
  const plan = parseImagePreprocessing(config);
  const levelsPerUnit = 255 * (config.image_std[0] ?? 1);
  const session = await createSession(path.join(MODEL, 'onnx/model.onnx'), 1_769);
  const classify = async (pixelValues: Tensor<'float32'>): Promise<Float32Array> =>
    (await session.run({ pixel_values: pixelValues })).logits?.data as Float32Array;

  const readReferencePixels = async (image: string): Promise<Tensor<'float32'>> => {
    const bytes = await readFile(path.join(FIXTURES, 'reference/pixels', `${image}.png`));
    const picture = await openImage(bytes, NEVER);
    const asTheyAre = { ...plan, resize: undefined, crop: undefined };
    const placed = { pixels: await picture.decode(), geometry: toGeometry(asTheyAre, picture) };
    return toPixelValues([placed], plan.channels);
  };

  const rows: Parity[] = [];
  for (const [image, { top1, margin, logits }] of Object.entries(reference.images)) {
    const actual = await preprocessImage(await readFile(path.join(FIXTURES, 'images', image)), plan);
    const expected = await readReferencePixels(image);
    const pixels = differences(actual.data, expected.data);
    const expectedLogits = decodeFloats(logits);
    const probabilities = softmax(await classify(actual));
    rows.push({
      image,
      meanPixelDifference: pixels.mean * levelsPerUnit,
      maxPixelDifference: pixels.max * levelsPerUnit,
      logitDifference: differences(await classify(expected), expectedLogits).max,
      probabilityDifference: differences(Float32Array.from(probabilities), Float32Array.from(softmax(expectedLogits)))
        .max,
      label: id2label[probabilities.indexOf(Math.max(...probabilities))] ?? '',
      expectedLabel: top1,
      margin,
    });
  }
  await session.release();
  return rows;
};

const toRow = (row: Parity): string =>
  `| ${[
    row.image,
    row.meanPixelDifference.toFixed(2),
    row.maxPixelDifference.toFixed(0),
    row.logitDifference.toExponential(0),
    row.probabilityDifference.toFixed(4),
    row.label,
    row.expectedLabel,
    row.margin.toFixed(3),
  ].join(' | ')} |`;

/** The rows as a Markdown table. */
export const toParityTable = (rows: readonly Parity[]): string =>
  [
    '| image | mean pixel difference | largest | logit difference from the same pixels | probability difference | first label | reference | its margin |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(toRow),
  ].join('\n');

if (import.meta.main) console.log(toParityTable(await measureParity()));
