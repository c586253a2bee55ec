import * as v from 'valibot';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { scoreSums } from '../../metrics/scoring.ts';
import type { UnlabelledJudge } from './judge.ts';

const answerSchema = v.object({
  details: v.object({ prefill: v.array(v.object({ logprob: v.nullable(v.number()) })) }),
});

/** The number of scored tokens of an answer, and the sum of their log-probabilities. */
const sumsOf = (answer: unknown): [tokens: number, logProbability: number] => {
  const parsed = v.safeParse(answerSchema, answer);
  if (!parsed.success)
    return refuse('INFERENCE_FAILED', `the model answers ${show(answer)}, without the log-probabilities of its text`);
  const known = parsed.output.details.prefill.flatMap(({ logprob }) => logprob ?? []);
  return [known.length, known.reduce((sum, logprob) => sum + logprob, 0)];
};

/**
 * The perplexity of texts: the exponential of the mean negative log-probability of a token, the first of each text left out. Tokens of all texts
 * count alike. https://huggingface.co/docs/transformers/perplexity
 */
export const perplexity: UnlabelledJudge = {
  parameters: { decoder_input_details: true, max_new_tokens: 1, do_sample: false, cache_prompt: false },
  measure: () => {
    const rows: [number, number][] = [];
    return {
      add: (answer) => rows.push(sumsOf(answer)),
      scoring: () => scoreSums(rows, ([tokens = 0, sum = 0]) => ({ perplexity: Math.exp(-sum / tokens) })),
      details: () => ({ tokens: rows.reduce((all, [tokens]) => all + tokens, 0) }),
    };
  },
};
