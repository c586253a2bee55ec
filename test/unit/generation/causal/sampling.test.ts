import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../../../../src/core/random.ts';
import { createSession } from '../../../../src/engine/session.ts';
import { emptyCache } from '../../../../src/generation/causal/cache.ts';
import { decode } from '../../../../src/generation/causal/decode.ts';
import { readLayout } from '../../../../src/generation/causal/layout.ts';
import { type Candidates, candidatesOf, draw, type Sampling } from '../../../../src/generation/causal/sampling.ts';
import { promptOf, readTextGeneration } from '../../../support/parity/text-generation.ts';

const ALL: Sampling = { doSample: true, temperature: 1, topK: 0, topP: 1, minP: 0 };
const { sampling, models } = await readTextGeneration();

/** The logits after the reference's prompt, by the model of the reference. */
const session = await createSession('test/fixtures/models/tiny-llama/model.onnx', 1769);
const layout = readLayout(session.signature);
const [first] = models['tiny-llama'] ?? [];
const ids = typeof first?.input_ids === 'object' ? first.input_ids : [];
const {
  logits: [logits = new Float32Array(0)],
} = await decode(session, layout, emptyCache(layout), ids);
await session.release();

const probabilitiesOf = ({ ids: tokens, weights, total }: Candidates): Map<number, number> =>
  new Map(Array.from(tokens, (id, index) => [id, (weights[index] ?? 0) / total]));

/** The value of chi-square that chance exceeds once in a thousand times, by Wilson and Hilferty. */
const critical = (freedom: number): number =>
  freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;

describe('sampling', () => {
  it('is compared for the prompt of the reference', () => {
    expect(first && promptOf(first)).toBe('The weather is');
  });

  it.each(Object.entries(sampling))(
    'gives the probabilities of transformers with %s',
    (_name, { parameters, probabilities }) => {
      const { temperature = 1, top_k: topK = 0, top_p: topP = 1, min_p: minP = 0 } = parameters;
      const actual = probabilitiesOf(candidatesOf(logits, { doSample: true, temperature, topK, topP, minP }));
      expect([...actual.keys()].map(String).sort()).toEqual(Object.keys(probabilities).sort());
      for (const [id, expected] of Object.entries(probabilities))
        expect(actual.get(Number(id))).toBeCloseTo(expected, 5);
    },
  );

  it.each(Object.entries(sampling))(
    'draws tokens as often as the reference expects, with %s',
    (_name, { parameters, probabilities }) => {
      const { temperature = 1, top_k: topK = 0, top_p: topP = 1, min_p: minP = 0 } = parameters;
      const candidates = candidatesOf(logits, { doSample: true, temperature, topK, topP, minP });
      const random = createRandom(2_026);
      const draws = 20_000;
      const counts = new Map<number, number>();
      for (let index = 0; index < draws; index += 1) {
        const id = draw(candidates, random());
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      // Tokens that are expected fewer than five times count together, as the test demands.
      const groups = Object.entries(probabilities).map(([id, chance]) => ({
        count: counts.get(Number(id)) ?? 0,
        chance,
      }));
      const rare = groups.filter(({ chance }) => chance * draws < 5);
      const bins = groups.filter(({ chance }) => chance * draws >= 5);
      if (rare.length > 0)
        bins.push({
          count: rare.reduce((sum, { count }) => sum + count, 0),
          chance: rare.reduce((sum, { chance }) => sum + chance, 0),
        });
      const square = bins.reduce((sum, { count, chance }) => sum + (count - chance * draws) ** 2 / (chance * draws), 0);
      expect(bins.length).toBeGreaterThan(2);
      expect(square).toBeLessThan(critical(bins.length - 1));
      expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(draws);
      expect([...counts.keys()].every((id) => String(id) in probabilities)).toBe(true);
    },
  );

  it('keeps tokens that are as likely as the last of top_k, and one token at least', () => {
    const values = Float32Array.of(1, 3, 3, 2, 3);
    expect([...candidatesOf(values, { ...ALL, topK: 2 }).ids]).toEqual([1, 2, 4]);
    expect([...candidatesOf(values, { ...ALL, topP: 0 }).ids]).toEqual([1]);
    expect([...candidatesOf(values, { ...ALL, topP: 0, minP: 1 }).ids]).toEqual([1]);
  });

  it('never draws a token that was excluded', () => {
    const values = Float32Array.of(Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY);
    for (const random of [0, 0.5, 0.999_999]) expect(draw(candidatesOf(values, ALL), random)).toBe(1);
  });

  it('draws by the place of the number among the sums of the probabilities', () => {
    const candidates = candidatesOf(Float32Array.from([0.5, 0.25, 0.25], Math.log), ALL);
    expect([0, 0.49, 0.51, 0.74, 0.76, 1].map((random) => draw(candidates, random))).toEqual([0, 0, 1, 1, 2, 2]);
  });
});
