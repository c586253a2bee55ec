import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { jsonValueOf } from '../../../src/core/answer.ts';
import { NEVER } from '../../../src/core/deadline.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { createSession } from '../../../src/engine/session.ts';
import { findModel } from '../../../src/source/model-source.ts';
import { answerOne } from '../../../src/tasks/answer-one.ts';
import { createTask } from '../../../src/tasks/index.ts';
import { objectDetection } from '../../../src/tasks/object-detection/recipe.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import { formatTolerance, graphTolerance } from '../processors/tolerances.ts';
import { taskVersion } from '../task-version.ts';
import type { ParityRow } from './parity-row.ts';
import { EXACT, withRecordedOutputs } from './recorded-outputs.ts';

type Corners = readonly [xmin: number, ymin: number, xmax: number, ymax: number];
type Found = readonly [label: string, score: number, corners: Corners];

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly fromPixels: readonly Found[];
  /** Null where the reference fails. */
  readonly fromBytes: readonly Found[] | null;
}

interface Reference {
  readonly threshold: number;
  readonly iou?: number;
  readonly images: Readonly<Record<string, Expected>>;
}

interface Detection {
  readonly score: number;
  readonly label: string;
  readonly box: { readonly xmin: number; readonly ymin: number; readonly xmax: number; readonly ymax: number };
}

/** Fields that leave the reference's 224×224 pixels as they are, but for YOLO's 64×64, which are cut out of their middle. */
const UNRESIZED: Readonly<Record<string, Record<string, unknown>>> = {
  'tiny-yolo': { image_processor_type: 'CLIPImageProcessor', do_center_crop: true, crop_size: 64, do_normalize: false },
};

/** By how much a score, and a side of a box in parts of the picture's, may differ once pictures were resampled. */
const SCORE_BAR = 0.1;
const SIDE_BAR = 0.03;

const toFound = ({ label, score, box }: Detection): Found => [label, score, [box.xmin, box.ymin, box.xmax, box.ymax]];

/** Labels and boxes without scores, in order. */
const places = (found: readonly Found[]): string => JSON.stringify(found.map(([label, , corners]) => [label, corners]));

const largestDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  Array.from(expected).reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - (actual[i] ?? Number.NaN))),
    actual.length === expected.length ? 0 : Number.NaN,
  );

/** Whether two boxes lie as close together as resampling and cutting to whole pixels explain. */
const isNear = (a: Corners, b: Corners, { width, height }: Expected): boolean =>
  a.every((side, i) => Math.abs(side - (b[i] as number)) <= 1 + SIDE_BAR * (i % 2 === 0 ? width : height));

/** What the reference is sure of in a picture, and how much of it is found by label, score and box. */
const countSure = (
  actual: readonly Found[],
  expected: Expected,
  threshold: number,
): { sure: number; found: number } => {
  const sure = (expected.fromBytes ?? []).filter(([, score]) => score > threshold + SCORE_BAR);
  const found = sure.filter(([label, score, corners]) =>
    actual.some(
      (one) => one[0] === label && Math.abs(one[1] - score) <= SCORE_BAR && isNear(one[2], corners, expected),
    ),
  );
  return { sure: sure.length, found: found.length };
};

/** A detector that answers files of the fixtures, and remembers the outputs of its graph. */
const openDetector = async (model: string, parameters: Readonly<Record<string, unknown>>) => {
  const source = await findModel(path.join(FIXTURES, 'models', model));
  const { settings } = await objectDetection.read(source);
  const session = await createSession(path.join(source.directory, source.graphs.model?.path ?? ''), 1_769);
  let outputs: Tensors = {};
  const graph = {
    signature: session.signature,
    run: async (feeds: Tensors) => {
      outputs = await session.run(feeds);
      return outputs;
    },
  };
  return {
    tolerance: graphTolerance(`${model}/${source.graphs.model?.path}`),
    async detect(file: string, fields: Record<string, unknown> = {}, recorded: Record<string, Float32Array> = {}) {
      const preprocessing = { ...settings.preprocessing, ...fields };
      const version = taskVersion('object-detection', { ...settings, preprocessing }, session.signature);
      const task = await createTask(version);
      const request = task.decode({ inputs: await readFile(path.join(FIXTURES, file)), parameters });
      const graphs = { model: withRecordedOutputs(graph, recorded) };
      const answer = await answerOne(task, { graphs, resources: undefined, maxBatch: 1, deadline: NEVER }, request);
      return { found: (jsonValueOf(answer) as Detection[]).map(toFound), outputs };
    },
    close: () => session.release(),
  };
};

/** One model against its reference: from equal pixels, from equal outputs, and from the bytes of pictures. */
const measureModel = async (model: string, reference = model): Promise<ParityRow[]> => {
  const file = path.join(FIXTURES, 'reference/object-detection', `${reference}.json`);
  const { images, threshold, iou } = (await readJson(file)) as Reference;
  const detector = await openDetector(model, { threshold, ...(iou !== undefined && { iou }) });
  const worst = { output: 0, score: 0 };
  const differing: string[] = [];
  let [sure, found] = [0, 0];
  for (const [image, expected] of Object.entries(images)) {
    const recorded = Object.fromEntries(
      Object.entries(expected.outputs).map(([name, values]) => [name, decodeFloats(values)]),
    );
    const unresized = { ...UNRESIZED[model], do_resize: false };
    const same = await detector.detect(`reference/pixels/${image}.png`, unresized, recorded);
    for (const [name, values] of Object.entries(recorded)) {
      const actual = same.outputs[name]?.data as Float32Array;
      worst.output = Math.max(worst.output, largestDifference(actual, values));
    }
    if (places(same.found) !== places(expected.fromPixels)) differing.push(image);
    const scores = [same.found, expected.fromPixels].map((list) => list.map(([, score]) => score));
    worst.score = Math.max(worst.score, largestDifference(scores[0] as number[], scores[1] as number[]));
    const counted = countSure((await detector.detect(`images/${image}`)).found, expected, threshold);
    sure += counted.sure;
    found += counted.found;
  }
  await detector.close();
  const inputs = Object.keys(images).length;
  const row = (compared: string, value: string, bar: string): ParityRow => ({
    model,
    inputs,
    compared,
    worst: value,
    bar,
  });
  return [
    row('outputs from the same pixels', worst.output.toExponential(1), formatTolerance(detector.tolerance)),
    row(
      'labels and boxes from the same outputs',
      differing.length === 0 ? 'identical' : differing.join(', '),
      'identical',
    ),
    row('scores from the same outputs', worst.score.toExponential(1), formatTolerance(EXACT)),
    row(
      `found of ${sure} that the reference is sure of, from the image's bytes`,
      `${((100 * found) / sure).toFixed(1)} %`,
      '97 %',
    ),
  ];
};

export const measureObjectDetection = async (): Promise<ParityRow[]> => [
  ...(await measureModel('tiny-detr')),
  ...(await measureModel('tiny-detr-mask', 'tiny-detr')),
  ...(await measureModel('tiny-yolos')),
  ...(await measureModel('tiny-rt-detr')),
  ...(await measureModel('tiny-yolo')),
];
