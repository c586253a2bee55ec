import { ServingError } from '../../core/errors.ts';
import { formatSpec } from '../../core/tensor.ts';
import type { Size } from '../../media/image/processors.ts';
import { softmax } from '../scores.ts';
import type { Corners, Detection, Head } from './detection.ts';

/** The default of transformers.js; the pipeline of `transformers` takes 0.5. */
const DEFAULTS = { threshold: 0.9 };

/**
 * The corners of a query's box in pixels. `boxes` has its centre x, centre y, width and height in 0–1. The arithmetic is float32, as in the
 * reference, so that boxes are cut alike.
 */
const toCorners = (boxes: Float32Array, query: number, { width, height }: Size): Corners => {
  const { fround } = Math;
  const [x = 0, y = 0, w = 0, h = 0] = boxes.subarray(query * 4, query * 4 + 4);
  return [
    fround(fround(x - 0.5 * w) * width),
    fround(fround(y - 0.5 * h) * height),
    fround(fround(x + 0.5 * w) * width),
    fround(fround(y + 0.5 * h) * height),
  ];
};

interface Scored {
  readonly query: number;
  readonly label: number;
  readonly score: number;
}

/** Selects the scores above `threshold` from logits float32[Q,C]. */
type Score = (logits: Float32Array, queries: number, threshold: number) => Scored[];

/** The best class of each query, in the order of the queries, as in the reference. The last class means that there is no object. */
const bestPerQuery: Score = (logits, queries, threshold) => {
  const columns = logits.length / queries;
  const found: Scored[] = [];
  for (let query = 0; query < queries; query += 1) {
    const scores = softmax(logits.subarray(query * columns, (query + 1) * columns)).subarray(0, -1);
    const score = scores.reduce((best, value) => Math.max(best, value), 0);
    if (score > threshold) found.push({ query, label: scores.indexOf(score), score });
  }
  return found;
};

/** The best pairs of query and class, best first: at most `most` of them, by default one for each query. */
const bestOfAll =
  (most?: number): Score =>
  (logits, queries, threshold) => {
    const columns = logits.length / queries;
    const found: Scored[] = [];
    logits.forEach((logit, index) => {
      const score = Math.fround(1 / (1 + Math.exp(-logit)));
      if (score > threshold) found.push({ query: Math.floor(index / columns), label: index % columns, score });
    });
    return found.sort((a, b) => b.score - a.score).slice(0, most ?? queries);
  };

const queryHead = (score: Score, classesOf: (columns: number) => number): Head => ({
  defaults: DEFAULTS,

  detect({ logits, pred_boxes: boxes }, { source }, classes, { threshold }): Detection[] {
    const [, queries = 0, columns = 0] = logits?.shape ?? [];
    if (logits?.dtype !== 'float32' || boxes?.dtype !== 'float32' || boxes.data.length !== queries * 4)
      throw new ServingError(
        'MODEL_INVALID',
        'its outputs are not logits float32[N,Q,C] and pred_boxes float32[N,Q,4]',
      );
    if (classesOf(columns) !== classes)
      throw new ServingError(
        'MODEL_INVALID',
        `its logits ${formatSpec(logits)} are of ${classesOf(columns)} classes, "id2label" names ${classes}`,
      );
    return score(logits.data, queries, threshold).map(({ query, label, score }) => ({
      score,
      label,
      corners: toCorners(boxes.data, query, source),
    }));
  },
});

const withoutObject = queryHead(bestPerQuery, (columns) => columns - 1);
const bestHundred = queryHead(bestOfAll(100), (columns) => columns);

/**
 * Heads of detectors with the outputs `logits` float32[N,Q,C] and `pred_boxes` float32[N,Q,4], by the name of their image processor. In
 * `transformers`, each processor has a `post_process_object_detection` of its own.
 */
export const QUERY_HEADS: Readonly<Record<string, Head>> = {
  Detr: withoutObject,
  Yolos: withoutObject,
  ConditionalDetr: bestHundred,
  DeformableDetr: bestHundred,
  RTDetr: queryHead(bestOfAll(), (columns) => columns),
};
