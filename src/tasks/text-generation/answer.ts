import { createRandom } from '../../core/random.ts';
import { type Cache, emptyCache } from '../../generation/causal/cache.ts';
import { type GeneratedToken, generateTokens } from '../../generation/causal/generate.ts';
import type { GenerationDefaults } from '../../generation/causal/generation-defaults.ts';
import type { DecoderLayout } from '../../generation/causal/layout.ts';
import { causalProcessors } from '../../generation/causal/processors.ts';
import { scoreTokens } from '../../generation/causal/score-tokens.ts';
import { createStopTexts } from '../../generation/causal/stop-texts.ts';
import type { OwnedConstraint } from '../../generation/grammar/engine.ts';
import { createTextStream } from '../../media/text/text-stream.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { graphOf } from '../graph-of.ts';
import type { TaskModel } from '../task.ts';
import type { GenerationChunk, GenerationDetails } from './generation-chunk.ts';
import type { GenerationParameters } from './parameters.ts';
import type { Resources } from './resources.ts';
import { freeBytesOf, reserve, roomFor } from './room.ts';
import type { TextGenerationSettings } from './settings.ts';

/** A model as its task knows it before it is loaded. */
export interface Generator {
  readonly settings: TextGenerationSettings;
  readonly defaults: GenerationDefaults;
  readonly layout: DecoderLayout;
}

/** A prompt that waits for its answer. */
export interface Question {
  /** At least one token. */
  readonly ids: readonly number[];
  readonly parameters: GenerationParameters;
}

const describeToken = (
  { id, likely }: GeneratedToken,
  tokenizer: Tokenizer,
): Pick<GenerationChunk, 'top_tokens'> & Omit<GenerationChunk['token'], 'text'> => {
  const textOf = (token: number): string => tokenizer.decode([token], { cleanUp: false });
  const token = { id, special: tokenizer.isSpecial(id) };
  if (likely === undefined) return { ...token, logprob: null };
  return {
    ...token,
    logprob: likely.logProbability,
    own: textOf(id),
    ...(likely.best.length > 0 && {
      top_tokens: likely.best.map(({ id: other, logProbability }) => ({
        id: other,
        text: textOf(other),
        logprob: logProbability,
      })),
    }),
  };
};

/** The text of an answer as its tokens come: its characters are whole, and it ends before a text that stops it. */
const createAnswerText = (tokenizer: Tokenizer, prompt: readonly number[], stop: readonly string[]) => {
  const stream = createTextStream(tokenizer, prompt);
  const stops = createStopTexts(stop);
  return (id: number, isLast: boolean): { readonly text: string; readonly isStopped: boolean } => {
    const { text, isFound } = stops.push(stream.push(id) + (isLast ? stream.end() : ''));
    return { text: text + (isLast && !isFound ? stops.end() : ''), isStopped: isFound };
  };
};

/** The tokens of a prompt as the model sees them, and their cache. */
const scorePrompt = async (
  ids: readonly number[],
  layout: DecoderLayout,
  { graphs, resources }: TaskModel<Resources>,
) => {
  const { logProbabilities, cache } = await scoreTokens(graphOf(graphs), layout, ids);
  const prefill = ids.map((id, index) => ({
    ...{ id, text: resources.tokenizer.decode([id], { cleanUp: false }) },
    logprob: logProbabilities[index - 1] ?? null,
  }));
  return { cache, prefill };
};

/** The end of an answer of `length` tokens, but for its reason. */
const describeEnd = (
  length: number,
  { ids, parameters }: Question,
  known: Cache | undefined,
  prefill: GenerationDetails['prefill'],
): Omit<GenerationDetails, 'finish_reason'> => ({
  ...{ generated_tokens: length, input_length: ids.length, cached_tokens: known?.length ?? 0 },
  seed: parameters.sampling.doSample ? parameters.seed : null,
  ...(prefill && { prefill }),
});

/** The numbers from 0 to 1 of a seed, which may be larger than 32 bits. */
const randomOf = (seed: number): (() => number) => createRandom((seed % 2 ** 32) + Math.trunc(seed / 2 ** 32));

/**
 * Continues a prompt, a chunk for each token. The cache of an answer is kept for prompts that begin alike.
 * @throws `INVALID_REQUEST` for a grammar that takes too long; `INVALID_INPUT`, `PAYLOAD_TOO_LARGE` for what does not fit;
 *   `MODEL_UNAVAILABLE` while other answers take the memory; `DEADLINE_EXCEEDED`, `INFERENCE_FAILED`
 */
export async function* answerInChunks(
  { settings, defaults, layout }: Generator,
  question: Question,
  model: TaskModel<Resources>,
): AsyncGenerator<GenerationChunk, undefined> {
  const { ids, parameters } = question;
  const { tokenizer, prefixes, grammars } = model.resources;
  const maxNewTokens = roomFor(ids.length, parameters, defaults, layout, settings, model);
  const release = reserve(ids.length + maxNewTokens, layout, model);
  const known = parameters.cachePrompt && !parameters.scoresPrompt ? prefixes.find(ids, model.caller) : undefined;
  const all = [...ids];
  let cache = known ?? emptyCache(layout);
  let constraint: OwnedConstraint | undefined;
  try {
    if (parameters.grammar !== undefined) constraint = await grammars.constrain(parameters.grammar);
    const scored = parameters.scoresPrompt ? await scorePrompt(ids, layout, model) : undefined;
    if (scored) ({ cache } = scored);
    const tokens = generateTokens({
      ...{ graph: graphOf(model.graphs), layout, prompt: ids, cache, maxNewTokens },
      sampling: parameters.sampling,
      processors: causalProcessors(defaults, parameters, ids.length),
      ...(constraint && { constraint }),
      eosTokenIds: defaults.eosTokenIds,
      ...(parameters.details && { topTokens: parameters.topTokens }),
      random: randomOf(parameters.seed),
    });
    const addText = createAnswerText(tokenizer, ids, parameters.stop);
    let answer = '';
    let index = 0;
    for await (const token of tokens) {
      ({ cache } = token);
      all.push(token.id);
      const { text, isStopped } = addText(token.id, token.end !== undefined);
      answer += text;
      const { top_tokens, ...described } = describeToken(token, tokenizer);
      const finish = isStopped ? 'stop_sequence' : token.end;
      yield {
        index,
        token: { ...described, text },
        ...(top_tokens && { top_tokens }),
        generated_text: finish === undefined ? null : answer,
        details:
          finish === undefined
            ? null
            : { finish_reason: finish, ...describeEnd(index + 1, question, known, scored?.prefill) },
      };
      if (finish !== undefined) return;
      index += 1;
    }
  } finally {
    release();
    constraint?.release();
    const fed = all.slice(0, Math.max(ids.length, all.length - 1)); // the last token was not fed
    if (parameters.cachePrompt)
      prefixes.keep(fed, cache, model.caller, freeBytesOf(model) - model.resources.reserved.bytes);
  }
}
