import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { elementCount } from '../../../src/core/tensor.ts';
import type { ImportedModel } from '../../../src/formats/imported-model.ts';
import { importKeras } from '../../../src/formats/keras/import-keras.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import { createNoise } from '../keras/noise.ts';
import type { ParityRow } from './parity-row.ts';

export const KERAS_FIXTURES = join(FIXTURES, 'formats/keras');

/** A reference of test/reference/keras_models.py. */
interface Case {
  readonly keras: string;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly kind: string; readonly seed: number }[];
  readonly outputs: readonly Reference[];
}

/** What Keras predicted: the first rows whole, and of each row the values at places that a seed chooses. */
interface Reference {
  readonly shape: readonly number[];
  readonly whole: number;
  readonly data: string;
  readonly chosen?: { readonly count: number; readonly seed: number; readonly data: string };
}

/** No numbers, as `encode` of keras_models.py writes them. */
const NOTHING = deflateSync('').toString('base64');

const BAR = '1e-6';
/** Another last bit of every pixel moves the outputs of Keras itself by 2e-5 in these deep models of random weights. */
const DEEP = '5e-5';
const BARS: Readonly<Record<string, string>> = {
  ...{ transfer: DEEP, MobileNetV2: DEEP, EfficientNetB0: DEEP, ResNet50: DEEP, 'ResNet50-default': DEEP },
  policies: '1e-2', // Keras computes it in types of two bytes, and the graph in float32
};

/** Models that the page shows in lines of their own. */
const TITLES: Readonly<Record<string, string>> = {
  transfer: ': a classifier on MobileNetV2',
  policies: ': float16 and bfloat16',
  ...Object.fromEntries(
    ['MobileNetV2', 'EfficientNetB0', 'ResNet50'].flatMap((name) => [
      [name, `: ${name} with other statistics`],
      [`${name}-default`, `: ${name}`],
    ]),
  ),
};

/** A model file of the fixtures, or of another folder, unpacked. */
export const readKerasFile = async (path: string, folder = KERAS_FIXTURES): Promise<Buffer> =>
  gunzipSync(await readFile(join(folder, `${path}.gz`)));

/** Models of a folder that have a reference, such as `table.keras`. */
const modelsIn = async (folder: string): Promise<string[]> => {
  const files = new Set(await readdir(folder));
  return [...files]
    .filter((file) => file.endsWith('.gz') && files.has(`${file.replace(/[.]\w+[.]gz$/, '')}.json`))
    .map((file) => file.replace(/[.]gz$/, ''))
    .sort();
};

export const runModel = async (
  { onnx }: ImportedModel,
  feeds: readonly ort.Tensor[],
): Promise<readonly ort.Tensor[]> => {
  const options = { logSeverityLevel: 3, intraOpNumThreads: 1 } as const;
  const session = await ort.InferenceSession.create(Buffer.concat([...onnx]), options);
  const named: Record<string, ort.Tensor> = {};
  for (const [index, name] of session.inputNames.entries()) {
    const feed = feeds[index];
    if (feed !== undefined) named[name] = feed;
  }
  const outputs = await session.run(named);
  await session.release();
  return session.outputNames.flatMap((name) => outputs[name] ?? []);
};

const toFeed = ({ shape, kind, seed }: Case['inputs'][number]): ort.Tensor => {
  const values = createNoise(shape, kind, seed);
  return kind.startsWith('integer:')
    ? new ort.Tensor('int32', Int32Array.from(values), shape)
    : new ort.Tensor('float32', Float32Array.from(values), shape);
};

/** The places of the values of a row that are kept, by row. */
const placesOf = ({ shape, chosen }: Reference): number[] => {
  if (chosen === undefined) return [];
  const [rows = 0, ...rest] = shape;
  const size = elementCount(rest);
  const places = createNoise([rows, chosen.count], `integer:${size}`, chosen.seed);
  return places.map((place, index) => Math.floor(index / chosen.count) * size + place);
};

/** The largest difference from what is kept of `reference`, by its largest value, or by 1. Infinite for another shape. */
const differenceOf = (output: ort.Tensor | undefined, reference: Reference): number => {
  if (output === undefined || String(output.dims) !== String(reference.shape)) return Number.POSITIVE_INFINITY;
  const actual = Object(output.data);
  let scale = 1;
  let worst = 0;
  const compare = (expected: number, place: number): void => {
    scale = Math.max(scale, Math.abs(expected));
    worst = Math.max(worst, Math.abs(expected - Number(actual[place])));
  };
  decodeFloats(reference.data).forEach(compare);
  const chosen = decodeFloats(reference.chosen?.data ?? NOTHING);
  for (const [index, place] of placesOf(reference).entries()) compare(chosen[index] ?? Number.NaN, place);
  return worst / scale;
};

/** Imports a model, runs it, and compares each output with what Keras predicted. */
export const measureKerasFile = async (folder: string, file: string): Promise<ParityRow> => {
  const name = file.replace(/[.]\w+$/, '');
  const reference = (await readJson(join(folder, `${name}.json`))) as Case;
  const model = await importKeras(await readKerasFile(file, folder));
  const outputs = await runModel(model, reference.inputs.map(toFeed));
  const differences = reference.outputs.map((expected, index) => differenceOf(outputs[index], expected));
  if (outputs.length !== reference.outputs.length) differences.push(Number.POSITIVE_INFINITY);
  return {
    model: `Keras ${reference.keras}${TITLES[name] ?? ''}, ${file}`,
    inputs: reference.inputs[0]?.shape[0] ?? 0,
    compared: 'outputs, by their largest value or 1',
    worst: differences.reduce((most, value) => Math.max(most, value), 0).toExponential(1),
    bar: BARS[name] ?? BAR,
  };
};

/** Compares each model of a folder. */
export const measureKerasFolder = async (folder: string): Promise<ParityRow[]> => {
  const rows: ParityRow[] = [];
  for (const file of await modelsIn(folder)) rows.push(await measureKerasFile(folder, file));
  return rows;
};

const VERSIONS = ['keras-2', 'keras-3'];

export const measureKerasFixtures = async (): Promise<ParityRow[]> =>
  (await Promise.all(VERSIONS.map((version) => measureKerasFolder(join(KERAS_FIXTURES, version))))).flat();

export const APPLICATIONS = join(KERAS_FIXTURES, 'applications.json');

/** The fixtures as they are measured, and the models of keras.applications as write-keras-applications.ts has recorded them. */
export const measureKeras = async (): Promise<ParityRow[]> => [
  ...(await measureKerasFixtures()),
  ...((await readJson(APPLICATIONS)) as ParityRow[]),
];
