import type { Corners, Detection } from './detection.ts';

const area = ([xmin, ymin, xmax, ymax]: Corners): number => (xmax - xmin) * (ymax - ymin);

/** Intersection over union of two boxes. */
export const overlap = (a: Corners, b: Corners): number => {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
};

/** The bounds of Ultralytics: the best of more candidates are examined, the best of more detections are answered. */
const MAX_CANDIDATES = 30_000;
const MAX_DETECTIONS = 300;

/**
 * Non-maximum suppression within each class: a box that overlaps a better one by more than `iou` is dropped. The best comes first; equal
 * scores keep their order. Each candidate is compared with at most `MAX_DETECTIONS` others, so that no input makes the time quadratic.
 */
export const suppress = (candidates: readonly Detection[], iou: number): Detection[] => {
  const kept: Detection[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score).slice(0, MAX_CANDIDATES)) {
    if (kept.length === MAX_DETECTIONS) break;
    const covers = ({ label, corners }: Detection): boolean =>
      label === candidate.label && overlap(corners, candidate.corners) > iou;
    if (!kept.some(covers)) kept.push(candidate);
  }
  return kept;
};
