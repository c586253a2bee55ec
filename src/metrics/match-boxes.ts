/** An object in an image: x and y of its upper left corner, width and height, in pixels. */
export interface Located {
  readonly label: string;
  readonly box: readonly [x: number, y: number, width: number, height: number];
}

export interface TrueObject extends Located {
  /** A box around many objects: detections in it are neither right nor wrong. */
  readonly isCrowd?: boolean;
}

export interface DetectedObject extends Located {
  readonly score: number;
}

/** 0.5, 0.55, … 0.95, as `linspace` of numpy computes them. */
export const OVERLAPS = Array.from({ length: 10 }, (_, index) =>
  index === 9 ? 0.95 : 0.5 + index * ((0.95 - 0.5) / 9),
);

/** Most detections of an image and label that count. */
const MOST_DETECTIONS = 100;

export type Outcome = 'right' | 'wrong' | 'ignored';

/** A detection with its outcome at each of `OVERLAPS`. */
export interface Matched {
  readonly score: number;
  readonly outcomes: readonly Outcome[];
}

/** Intersection over union; of a crowd, the share of the detection that lies in it. */
const overlapOf = ({ box: [x, y, width, height] }: Located, truth: TrueObject): number => {
  const [left, top, across, down] = truth.box;
  const common = Math.min(width + x, across + left) - Math.max(x, left);
  const tall = Math.min(height + y, down + top) - Math.max(y, top);
  if (common <= 0 || tall <= 0) return 0;
  const shared = common * tall;
  return shared / (truth.isCrowd ? width * height : width * height + across * down - shared);
};

/** The place of the best free object that the detection overlaps enough; a crowd only when there is no other. */
const bestMatch = (
  overlaps: readonly number[],
  truths: readonly TrueObject[],
  taken: ReadonlySet<number>,
  least: number,
): number => {
  let [match, best] = [-1, Math.min(least, 1 - 1e-10)];
  for (const [index, { isCrowd = false }] of truths.entries()) {
    if (taken.has(index) && !isCrowd) continue;
    if (match >= 0 && isCrowd && !truths[match]?.isCrowd) break;
    const overlap = overlaps[index] ?? 0;
    if (overlap < best) continue;
    [match, best] = [index, overlap];
  }
  return match;
};

/**
 * Matches the detections of one label in one image with its objects, the surest first, as `COCOeval.evaluateImg` does.
 * @returns the detections that count, the surest first
 */
export const matchBoxes = (objects: readonly TrueObject[], detections: readonly DetectedObject[]): Matched[] => {
  const truths = [...objects].sort((a, b) => Number(a.isCrowd ?? false) - Number(b.isCrowd ?? false));
  const surest = [...detections].sort((a, b) => b.score - a.score).slice(0, MOST_DETECTIONS);
  const overlaps = surest.map((detection) => truths.map((truth) => overlapOf(detection, truth)));
  const outcomes = surest.map((): Outcome[] => []);
  for (const least of OVERLAPS) {
    const taken = new Set<number>();
    for (const [index, row] of overlaps.entries()) {
      const match = bestMatch(row, truths, taken, least);
      taken.add(match);
      outcomes[index]?.push(match < 0 ? 'wrong' : truths[match]?.isCrowd ? 'ignored' : 'right');
    }
  }
  return surest.map(({ score }, index) => ({ score, outcomes: outcomes[index] ?? [] }));
};
