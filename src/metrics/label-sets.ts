import { type Figures, ratio, type Scoring } from './scoring.ts';

/** The labels of a sample that may have several of them, or none. */
export interface LabelSets {
  readonly truth: readonly string[];
  readonly predicted: readonly string[];
}

/** F1 of all labels together (micro), and the mean over the labels that occur (macro). */
const f1Of = (hits: Float64Array, seen: Float64Array): Figures => {
  const present = [...seen.keys()].filter((label) => (seen[label] ?? 0) > 0);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const hitsOf = (label: number): number => 2 * (hits[label] ?? 0);
  return {
    microF1: ratio(sum(present.map(hitsOf)), sum(present.map((label) => seen[label] ?? 0))),
    macroF1: ratio(sum(present.map((label) => hitsOf(label) / (seen[label] ?? 1))), present.length),
  };
};

/** The share of samples whose labels are all right, micro F1 and macro F1, as scikit-learn computes them for several labels. */
export const scoreLabelSets = (samples: readonly LabelSets[]): Scoring => {
  const labels = new Set(samples.flatMap(({ truth, predicted }) => [...truth, ...predicted]));
  const indexOf = new Map([...labels].map((label, index) => [label, index]));
  const toIndices = (names: readonly string[]): readonly number[] =>
    [...new Set(names)].map((name) => indexOf.get(name) ?? 0);
  const rows = samples.map(({ truth, predicted }) => {
    const [truths, answers] = [toIndices(truth), toIndices(predicted)];
    return { all: [...truths, ...answers], shared: truths.filter((label) => answers.includes(label)) };
  });
  const exact = Uint8Array.from(rows, ({ all, shared }) => Number(all.length === 2 * shared.length));
  return {
    samples: samples.length,
    shares: { exactMatch: exact },
    figures: (weights) => {
      const [hits, seen] = [new Float64Array(labels.size), new Float64Array(labels.size)];
      let [right, total] = [0, 0];
      rows.forEach(({ all, shared }, sample) => {
        const weight = weights ? (weights[sample] ?? 0) : 1;
        for (const label of shared) hits[label] = (hits[label] ?? 0) + weight;
        for (const label of all) seen[label] = (seen[label] ?? 0) + weight;
        right += weight * (exact[sample] ?? 0);
        total += weight;
      });
      return { exactMatch: right / total, ...f1Of(hits, seen) };
    },
  };
};
