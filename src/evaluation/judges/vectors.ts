import * as v from 'valibot';
import { scoreAgreement, scoreNeighbourLabels } from '../../metrics/embeddings.ts';
import type { Scoring } from '../../metrics/scoring.ts';
import { defineJudge } from './judge.ts';

const vectorSchema = v.pipe(
  v.array(v.number()),
  v.minLength(1),
  v.transform((numbers) => Float32Array.from(numbers)),
);

interface Embedded {
  readonly truth: string | Float32Array;
  readonly predicted: Float32Array;
}

const score = (samples: readonly Embedded[]): Scoring => {
  const predicted = samples.map((sample) => sample.predicted);
  const vectors = samples.flatMap(({ truth }) => (typeof truth === 'string' ? [] : [truth]));
  if (vectors.length === samples.length) return scoreAgreement(vectors, predicted);
  return scoreNeighbourLabels(
    predicted,
    samples.map(({ truth }) => String(truth)),
  );
};

/** Vectors of texts: against those of a reference, or by the labels of the nearest neighbours. */
export const vectors = defineJudge({
  labelForm: () => 'a label that neighbours should share, or the vector of the reference',
  readLabel: (label): string | Float32Array | undefined => {
    if (typeof label === 'string' || typeof label === 'number') return String(label);
    const parsed = v.safeParse(vectorSchema, label);
    return parsed.success ? parsed.output : undefined;
  },
  answer: vectorSchema,
  label: (truth, predicted) => ({ truth, predicted }),
  score,
  agree: (truth, predicted) => ({ truth, predicted }),
  scoreAgreement: score,
});
