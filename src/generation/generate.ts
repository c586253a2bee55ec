import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import { createBeamSearch } from './beam-search.ts';
import { createDecoder, type Decoder, type Encoded } from './decoder.ts';
import { type GenerationConfig, lengthLimit } from './generation-config.ts';
import { createGreedySearch } from './greedy-search.ts';
import { type LogitsProcessor, logitsProcessors } from './logits.ts';
import type { Generated, Hypothesis, Search } from './search.ts';

interface GenerateOptions {
  readonly decoder: Graph;
  /** Of B inputs. */
  readonly encoded: Encoded;
  /** What each input's output begins with: B of equal length, the decoder's start token among them. */
  readonly prompts: readonly (readonly number[])[];
  readonly config: GenerationConfig;
  /** What comes behind the processors of `config`. */
  readonly processors?: readonly LogitsProcessor[];
}

/** A search that goes on, and what with. */
interface Running {
  readonly search: Search;
  readonly hypotheses: readonly Hypothesis[];
}

interface Assigned extends Hypothesis {
  readonly search: Search;
  /** The row it comes from. */
  readonly source: number;
  row: number;
}

/**
 * Gives every hypothesis a row: the one it comes from when it can, otherwise one that its input has left, so that little of the
 * cache has to move.
 * @param owners whose hypothesis each row has held
 */
const assignRows = (running: readonly Running[], owners: readonly (Search | undefined)[]): Assigned[] => {
  const assigned = running.flatMap(({ search, hypotheses }) =>
    hypotheses.map(({ ids, row }) => ({ search, ids, source: row, row: -1 })),
  );
  const rows = assigned.map((): Assigned | undefined => undefined);
  const place = (hypothesis: Assigned, row: number): void => {
    rows[row] = hypothesis;
    hypothesis.row = row;
  };
  for (const hypothesis of assigned)
    if (hypothesis.source < rows.length && rows[hypothesis.source] === undefined) place(hypothesis, hypothesis.source);
  for (const hypothesis of assigned) {
    if (hypothesis.row >= 0) continue;
    const left = rows.findIndex((other, row) => other === undefined && owners[row] === hypothesis.search);
    place(hypothesis, left >= 0 ? left : rows.indexOf(undefined));
  }
  return assigned;
};

/** Runs a step; when there is no time for it, says how many were done. @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED` */
const step = async (decoder: Decoder, tokens: readonly (readonly number[])[], done: number, most: number) =>
  decoder.step(tokens).catch((error: unknown) => {
    if (ServingError.from(error).code !== 'DEADLINE_EXCEEDED') throw error;
    throw new ServingError(
      'DEADLINE_EXCEEDED',
      `the deadline passed after ${done} of up to ${most} tokens; send less at once, ask for fewer tokens, or give the function more time`,
      { cause: error },
    );
  });

/**
 * What the model says about each input: by greedy search for `numBeams` 1, otherwise by beam search. All inputs go on together,
 * and those that are done leave.
 *
 * @throws `DEADLINE_EXCEEDED` saying how many tokens there were by then; `INFERENCE_FAILED`
 */
export const generate = async ({ decoder: graph, encoded, prompts, config, processors }: GenerateOptions) => {
  const promptLength = prompts[0]?.length ?? 0;
  const options = {
    promptLength,
    maxLength: lengthLimit(config, promptLength),
    eosTokenIds: config.eosTokenIds,
    processors: logitsProcessors(config, promptLength, processors),
  };
  const searches = prompts.map(() =>
    config.numBeams === 1 ? createGreedySearch(options) : createBeamSearch(options, config),
  );
  const decoder = createDecoder(graph, encoded);
  let owners: readonly Search[] = searches;
  let running: readonly Running[] = prompts.map((ids, row) => ({
    search: searches[row] as Search,
    hypotheses: [{ ids, row }],
  }));
  let tokens = prompts;

  for (let count = 0; running.length > 0; count += 1) {
    const logits = await step(decoder, tokens, count, options.maxLength - promptLength);
    const advanced = running.map(({ search, hypotheses }) => ({
      search,
      hypotheses: search.advance(
        hypotheses,
        hypotheses.map(({ row }) => logits[row] as Float32Array),
      ),
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
  }
  return searches.map((search): Generated => search.result());
};
