import { type Tensor, tensor } from '../../core/tensor.ts';
import type { Sampling } from './sampling.ts';

/** Candidates of a drafted token where a request does not limit them; those beyond are hardly ever drawn. */
const MOST_CANDIDATES = 256;

/** The likeliest token stays, however small its part. */
const LEAST_NUCLEUS = 1e-6;

/**
 * Several steps of a decoder in one run. The graph drafts each token and feeds it to the next step. Drafts are as good as their numbers of
 * single precision: the logits of every step come back, and the token that they give is compared with the draft.
 */
export interface Draft {
  /** Steps of the run, at least 1. */
  readonly steps: number;
  readonly sampling: Sampling;
  /** A number from 0 to 1 for each step. */
  readonly uniform: readonly number[];
  /** Tokens behind which no step follows. */
  readonly lastTokens: readonly number[];
}

/** A run of one step: nobody reads the token that it drafts. */
export const ONE_STEP: Draft = {
  ...{ steps: 1, uniform: [0], lastTokens: [] },
  sampling: { doSample: false, temperature: 1, topK: 0, topP: 1, minP: 0 },
};

const single = (value: number): Tensor => tensor('float32', [1], Float32Array.of(value));
const long = (value: number): Tensor => tensor('int64', [1], BigInt64Array.of(BigInt(value)));

const candidates = ({ doSample, topK }: Sampling, vocabulary: number): number =>
  doSample ? Math.min(topK > 0 ? topK : MOST_CANDIDATES, MOST_CANDIDATES, vocabulary) : 1;

/** Values of the inputs that a graph of several steps has for its drafts. `src/authoring/decoding-loop.ts` makes such graphs. */
export const DRAFT_INPUTS = {
  steps: ({ steps }: Draft) => tensor('int64', [], BigInt64Array.of(BigInt(steps))),
  uniform: ({ uniform }: Draft) => tensor('float32', [uniform.length], Float32Array.from(uniform)),
  last_tokens: ({ lastTokens }: Draft) =>
    lastTokens.length === 0 ? long(-1) : tensor('int64', [lastTokens.length], BigInt64Array.from(lastTokens, BigInt)),
  temperature: ({ sampling }: Draft) => single(sampling.doSample ? sampling.temperature : 1),
  top_k: ({ sampling }: Draft, vocabulary: number) => long(candidates(sampling, vocabulary)),
  top_p: ({ sampling }: Draft) => single(Math.max(sampling.topP, LEAST_NUCLEUS)),
  min_p: ({ sampling }: Draft) => single(sampling.minP),
} satisfies Readonly<Record<string, (draft: Draft, vocabulary: number) => Tensor>>;

export type DraftInput = keyof typeof DRAFT_INPUTS;

export const isDraftInput = (name: string): name is DraftInput => Object.hasOwn(DRAFT_INPUTS, name);
