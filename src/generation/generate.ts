import { element } from '../core/element.ts';
import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import { assignRows, type Running } from './assign-rows.ts';
import { createBeamSearch } from './beam-search.ts';
import { createDecoder, type Encoded } from './decoder.ts';
import { type GenerationConfig, lengthLimit } from './generation-config.ts';
import { createGreedySearch } from './greedy-search.ts';
import { type LogitsProcessor, logitsProcessors } from './logits.ts';
import type { Generated, Search } from './search.ts';

interface GenerateOptions {
  readonly decoder: Graph;
  /** Output of the encoder for B inputs. */
  readonly encoded: Encoded;
  /** First tokens of each output: B lists of equal length, which begin with the decoder's start token. */
  readonly prompts: readonly (readonly number[])[];
  readonly config: GenerationConfig;
  /** Processors that run after those of `config`. */
  readonly processors?: readonly LogitsProcessor[];
}

/** A run of the decoder, which extends the hypotheses of each input by a token. */
export interface Step {
  /**
   * For each input the tokens that became settled in this step; all steps together give the input's output. Greedy search settles
   * every token that it chooses. Beam search may still change its mind: it settles the whole output in the last step of its input.
   */
  readonly settled: readonly (readonly number[])[];
}

/** The error of a step, with the number of tokens that were generated before the deadline. */
const withProgress = (error: unknown, done: number, most: number): unknown =>
  ServingError.from(error).code === 'DEADLINE_EXCEEDED'
    ? new ServingError(
        'DEADLINE_EXCEEDED',
        `the deadline passed after ${done} of up to ${most} tokens; send less at once, ask for fewer tokens, or give the function more time`,
        { cause: error },
      )
    : error;

/** Takes from each search the tokens that have become settled since the last call. */
const createSettledReader = (searches: readonly Search[]): (() => number[][]) => {
  const counts = searches.map(() => 0);
  return () =>
    searches.map((search, input) => {
      const settled = search.settled();
      const added = settled.slice(counts[input]);
      counts[input] = settled.length;
      return added;
    });
};

/**
 * Generates the output for each input step by step: by greedy search for `numBeams` 1, otherwise by beam search. All inputs share the
 * runs, and inputs whose search has ended leave them. The next run begins when the caller asks for the next step: a caller that
 * returns early cancels the rest.
 *
 * @returns the output for each input
 * @throws `DEADLINE_EXCEEDED` with the number of tokens that were generated, `INFERENCE_FAILED`
 */
export async function* generateSteps({
  decoder: graph,
  encoded,
  prompts,
  config,
  processors,
}: GenerateOptions): AsyncGenerator<Step, Generated[]> {
  const promptLength = prompts[0]?.length ?? 0;
  const options = {
    promptLength,
    maxLength: lengthLimit(config, promptLength),
    eosTokenIds: config.eosTokenIds,
    processors: logitsProcessors(config, promptLength, processors),
  };
  const decoder = createDecoder(graph, encoded);
  let running: readonly Running[] = prompts.map((ids, row) => ({
    search: config.numBeams === 1 ? createGreedySearch(options) : createBeamSearch(options, config),
    hypotheses: [{ ids, row }],
  }));
  const searches = running.map(({ search }) => search);
  const readSettled = createSettledReader(searches);
  let owners: readonly Search[] = searches;
  let tokens = prompts;

  for (let count = 0; running.length > 0; count += 1) {
    const logits = await decoder.step(tokens).catch((error: unknown) => {
      throw withProgress(error, count, options.maxLength - promptLength);
    });
    const advanced = running.map(({ search, hypotheses }) => ({
      search,
      hypotheses: search.advance(hypotheses.map(({ ids, row }) => ({ ids, row, logits: element(logits, row) }))),
    }));
    const assigned = assignRows(advanced, owners);
    const byRow = assigned.toSorted((a, b) => a.row - b.row);
    decoder.select(byRow.map(({ source }) => source));
    owners = byRow.map(({ search }) => search);
    tokens = byRow.map(({ ids }) => ids.slice(-1));
    running = [...Map.groupBy(assigned, ({ search }) => search)].map(([search, hypotheses]) => ({
      search,
      hypotheses,
    }));
    yield { settled: readSettled() };
  }
  return searches.map((search) => search.result());
}

/** Generates the output for each input in one go. @throws the errors of `generateSteps` */
export const generate = async (options: GenerateOptions): Promise<Generated[]> => {
  const steps = generateSteps(options);
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return step.value;
};
