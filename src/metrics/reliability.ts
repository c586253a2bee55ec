/** An answer with its confidence, 0 to 1. */
export interface Confident {
  readonly confidence: number;
  readonly correct: boolean;
}

/** The answers of some confidences. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence, and the share of right answers. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** Equal parts of the confidences in which accuracy and confidence are compared: Guo et al. (2017). */
export const CALIBRATION_BINS = 15;

/** Bin of a confidence: bin k has those above k/15 and up to (k+1)/15. */
export const calibrationBin = (confidence: number): number =>
  Math.min(Math.max(Math.ceil(confidence * CALIBRATION_BINS) - 1, 0), CALIBRATION_BINS - 1);

/** Answers by their confidence, of which the answers themselves are not kept. */
export interface Reliability {
  add(answer: Confident): void;
  /** The expected calibration error, and the bins of which it is made; empty bins are left out. Undefined without an answer. */
  figures(): { readonly error: number; readonly bins: readonly ReliabilityBin[] } | undefined;
}

export const createReliability = (): Reliability => {
  const sums = Array.from({ length: CALIBRATION_BINS }, () => ({ count: 0, confidence: 0, correct: 0 }));
  return {
    add({ confidence, correct }) {
      const bin = sums[calibrationBin(confidence)];
      if (bin === undefined) return;
      bin.count += 1;
      bin.confidence += confidence;
      bin.correct += Number(correct);
    },
    figures() {
      const all = sums.reduce((sum, { count }) => sum + count, 0);
      if (all === 0) return undefined;
      const bins = sums.flatMap(({ count, confidence, correct }, bin) => {
        const [from, to] = [bin / CALIBRATION_BINS, (bin + 1) / CALIBRATION_BINS];
        return count === 0 ? [] : [{ from, to, count, confidence: confidence / count, accuracy: correct / count }];
      });
      const gaps = bins.map(({ count, confidence, accuracy }) => count * Math.abs(accuracy - confidence));
      return { error: gaps.reduce((sum, gap) => sum + gap, 0) / all, bins };
    },
  };
};
