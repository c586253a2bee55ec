import assert from 'node:assert/strict';

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** What logits float32[1000] say, best first. */
export const toLabels = (logits: Float32Array, id2label: Readonly<Record<string, string>>): LabelScore[] => {
  const max = Math.max(...logits);
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials
    .map((value, index) => ({ label: id2label[index] ?? '', score: value / sum }))
    .toSorted((a, b) => b.score - a.score);
};

/** Decoders and resizers differ by less; whoever computes something else, by more. */
const TOLERANCE = 0.03;

/** @throws AssertionError when `answer` does not start as `all` does, or gives a label another score */
export const assertSameLabels = (answer: readonly LabelScore[], all: readonly LabelScore[]): void => {
  assert.equal(answer[0]?.label, all[0]?.label);
  for (const { label, score } of answer) {
    const expected = all.find((known) => known.label === label)?.score ?? Number.NaN;
    assert.ok(Math.abs(score - expected) <= TOLERANCE, `${label} has ${score}, expected ${expected}`);
  }
};
