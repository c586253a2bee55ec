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

/** The expected calibration error, and the bins of which it is made; empty bins are left out. */
export const reliability = (
  answers: readonly Confident[],
): { readonly error: number; readonly bins: readonly ReliabilityBin[] } => {
  const bins = [...Map.groupBy(answers, ({ confidence }) => calibrationBin(confidence))]
    .sort(([one], [other]) => one - other)
    .map(([bin, own]) => ({
      from: bin / CALIBRATION_BINS,
      to: (bin + 1) / CALIBRATION_BINS,
      count: own.length,
      confidence: own.reduce((sum, { confidence }) => sum + confidence, 0) / own.length,
      accuracy: own.filter(({ correct }) => correct).length / own.length,
    }));
  const error = bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(accuracy - confidence), 0);
  return { error: error / answers.length, bins };
};
