import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { NEVER } from '../../src/core/deadline.ts';
import { toPixelValues } from '../../src/media/image/pixel-values.ts';
import { parseImagePreprocessing } from '../../src/media/image/preprocessing.ts';
import { resizeImage } from '../../src/media/image/resize-image.ts';
import { QUERY_HEADS } from '../../src/tasks/object-detection/query-head.ts';
import { decodeFloats, FIXTURES, readJson } from '../support/image-parity.ts';
import { measureObjectDetection } from '../support/parity/object-detection.ts';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { isOverBar, type ParityRow } from '../support/parity/parity-row.ts';

const REFERENCE = path.join(FIXTURES, 'reference/object-detection');

/** Made by test/reference with Python `transformers`, `ultralytics` and onnxruntime. */
describe('object detection against the reference', () => {
  let rows: ParityRow[];

  beforeAll(async () => {
    rows = await measureObjectDetection();
  });

  it('covers five detectors and at least 25 pictures', () => {
    expect(new Set(rows.map(({ model }) => model)).size).toBe(5);
    expect(Math.min(...rows.map(({ inputs }) => inputs))).toBeGreaterThanOrEqual(25);
  });

  it('gives the outputs of the reference from its pixels, as far as processors differ', () => {
    const outputs = rows.filter(({ compared }) => compared === 'outputs from the same pixels');
    expect(outputs).toHaveLength(5);
    expect(outputs.filter(isOverBar)).toEqual([]);
  });

  it('gives the labels, boxes and scores of the reference from its outputs, in the same order', () => {
    const answers = rows.filter(({ compared }) => compared.endsWith('from the same outputs'));
    expect(answers).toHaveLength(10);
    expect(answers.filter(isOverBar)).toEqual([]);
  });

  it('finds in pictures of any format and shape what the reference is sure of', () => {
    const shares = rows.filter(({ bar }) => bar === '97 %');
    expect(shares).toHaveLength(5);
    expect(shares.filter(({ worst }) => !(Number.parseFloat(worst) >= 97))).toEqual([]);
  });

  it('holds the bars of the page of the task', async () => {
    expect(toBars(rows)).toBe(await barsOnPage('object-detection'));
  });
});

interface PostprocessCase {
  readonly processor: string;
  readonly threshold: number;
  readonly width: number;
  readonly height: number;
  readonly outputs: { readonly logits: string; readonly pred_boxes: string };
  readonly detections: readonly (readonly [label: string, score: number, corners: readonly number[]])[];
}

const LABELS = ['cat', 'dog', 'person', 'bicycle', 'traffic light', 'açaí'];
const QUERIES = 30;

const { cases: postprocessed } = (await readJson(path.join(REFERENCE, 'postprocess.json'))) as {
  cases: PostprocessCase[];
};

describe('post-processing of random outputs', () => {
  it.each(postprocessed.map((one) => [one.processor, one.threshold, one] as const))(
    'is as %s does it above %d',
    (processor, threshold, { width, height, outputs, detections }) => {
      const logits = decodeFloats(outputs.logits);
      const boxes = decodeFloats(outputs.pred_boxes);
      const tensors = {
        logits: { dtype: 'float32' as const, shape: [1, QUERIES, logits.length / QUERIES], data: logits },
        pred_boxes: { dtype: 'float32' as const, shape: [1, QUERIES, 4], data: boxes },
      };
      const head = QUERY_HEADS[processor.replace('ImageProcessor', '')];

      const found = head?.detect(tensors, { source: { width, height } } as never, LABELS.length, { threshold }) ?? [];

      expect(found.map(({ label, corners }) => [LABELS[label], corners.map((side) => Math.trunc(side) + 0)])).toEqual(
        detections.map(([label, , corners]) => [label, corners]),
      );
      found.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(detections[i]?.[1] as number, 5);
      });
    },
  );
});

interface LetterboxCase {
  readonly image: string;
  readonly height: number;
  readonly width: number;
  readonly levels: string;
}

const { cases: letterboxes } = (await readJson(path.join(REFERENCE, 'letterbox.json'))) as { cases: LetterboxCase[] };

describe('letterboxing', () => {
  it.each(letterboxes.map((one) => [one.image, one.width, one.height, one] as const))(
    'puts %s into %i×%i as Ultralytics does, to one level',
    async (image, width, height, { levels }) => {
      const plan = parseImagePreprocessing({
        image_processor_type: 'LetterBoxImageProcessor',
        size: { width, height },
      });
      const { pixels, geometry } = await resizeImage(await readFile(path.join(FIXTURES, 'images', image)), plan, NEVER);
      const { data, shape } = toPixelValues([{ pixels, geometry }], plan.channels);
      const expected = inflateSync(Buffer.from(levels, 'base64'));

      expect(shape).toEqual([1, 3, height, width]);
      const differences = [...data].map((value, i) => Math.abs(value * 255 - (expected[i] ?? Number.NaN)));
      expect(Math.max(...differences)).toBeLessThan(1.01);
    },
  );
});
