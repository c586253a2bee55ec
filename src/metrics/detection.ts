import { type DetectedObject, type Matched, matchBoxes, OVERLAPS, type TrueObject } from './match-boxes.ts';
import type { Figures, Scoring, Weights } from './scoring.ts';

/** The objects of one image. */
export interface Detected {
  readonly truth: readonly TrueObject[];
  readonly predicted: readonly DetectedObject[];
}

/** Recalls at which the precision is read: 0, 0.01, … 1. */
const RECALLS = Array.from({ length: 101 }, (_, index) => index * 0.01);

/** The smallest difference of float64 numbers at 1, which keeps COCO's quotients from 0 / 0. */
const SPACING = Number.EPSILON;

/** Everything about one label. */
interface LabelMatches {
  readonly label: string;
  /** The detections of all images, the surest first. */
  readonly detections: readonly (Matched & { readonly image: number })[];
  /** The number of objects in each image, without crowds. */
  readonly objects: readonly number[];
}

/** The mean precision at `RECALLS`, where a precision counts for all smaller recalls too. NaN without an object. */
const averagePrecision = ({ detections, objects }: LabelMatches, overlap: number, weights?: Weights): number => {
  const weightOf = (image: number): number => (weights ? (weights[image] ?? 0) : 1);
  const all = objects.reduce((sum, count, image) => sum + count * weightOf(image), 0);
  if (all === 0) return Number.NaN;
  const [precisions, recalls]: [number[], number[]] = [[], []];
  let [right, wrong] = [0, 0];
  for (const { outcomes, image } of detections) {
    const outcome = outcomes[overlap];
    if (outcome === 'right') right += weightOf(image);
    if (outcome === 'wrong') wrong += weightOf(image);
    precisions.push(right / (wrong + right + SPACING));
    recalls.push(right / all);
  }
  for (let index = precisions.length - 1; index > 0; index -= 1)
    precisions[index - 1] = Math.max(precisions[index - 1] ?? 0, precisions[index] ?? 0);
  let [at, sum] = [0, 0];
  for (const recall of RECALLS) {
    while (at < recalls.length && (recalls[at] ?? 0) < recall) at += 1;
    sum += precisions[at] ?? 0;
  }
  return sum / RECALLS.length;
};

const matchLabel = (label: string, samples: readonly Detected[]): LabelMatches => {
  const isOf = (object: { readonly label: string }): boolean => object.label === label;
  const detections = samples.flatMap(({ truth, predicted }, image) =>
    matchBoxes(truth.filter(isOf), predicted.filter(isOf)).map((matched) => ({ ...matched, image })),
  );
  return {
    label,
    detections: detections.sort((a, b) => b.score - a.score),
    objects: samples.map(({ truth }) => truth.filter((object) => isOf(object) && !object.isCrowd).length),
  };
};

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The mean average precision over the labels: at an overlap of 0.5, and as the mean over `OVERLAPS`. The second one is there for each label
 * too, as `<label>: ap`. COCO defines it; pycocotools computes the same for boxes of all sizes and 100 detections.
 */
export const scoreDetection = (samples: readonly Detected[]): Scoring => {
  const labels = [...new Set(samples.flatMap(({ truth }) => truth.map(({ label }) => label)))].sort();
  const matches = labels.map((label) => matchLabel(label, samples));
  return {
    samples: samples.length,
    shares: {},
    figures: (weights): Figures => {
      const present = matches
        .map((match) => ({
          label: match.label,
          precisions: OVERLAPS.map((_, overlap) => averagePrecision(match, overlap, weights)),
        }))
        .filter(({ precisions: [first = Number.NaN] }) => !Number.isNaN(first));
      return {
        map50: meanOf(present.map(({ precisions: [first = 0] }) => first)),
        map50To95: meanOf(present.map(({ precisions }) => meanOf(precisions))),
        ...Object.fromEntries(present.map(({ label, precisions }) => [`${label}: ap`, meanOf(precisions)])),
      };
    },
  };
};
