import { join } from 'node:path';
import { createSession } from '../../../src/engine/session.ts';
import { emptyCache } from '../../../src/generation/causal/cache.ts';
import { decode } from '../../../src/generation/causal/decode.ts';
import { readLayout } from '../../../src/generation/causal/layout.ts';
import { FIXTURES, readJson } from '../image-parity.ts';
import { answerTolerance, formatTolerance } from '../processors/tolerances.ts';
import { createTestServing, pushNamed, type TestServing } from '../serving.ts';
import type { GeneratedReference } from './generated-reference.ts';
import { readInt4 } from './int4.ts';
import type { ParityRow } from './parity-row.ts';

export interface TextGenerationReference {
  readonly models: Readonly<Record<string, readonly GeneratedReference[]>>;
  readonly sampling: Readonly<
    Record<
      string,
      {
        readonly parameters: Readonly<Record<string, number>>;
        readonly probabilities: Readonly<Record<string, number>>;
      }
    >
  >;
  readonly penalties: readonly {
    readonly options: Readonly<Record<string, unknown>>;
    readonly prompt: string;
    readonly ids: readonly number[];
  }[];
}

export interface GeneratedAnswer {
  readonly generated_text: string;
  readonly details: {
    readonly finish_reason: string;
    readonly generated_tokens: number;
    readonly input_length: number;
    readonly cached_tokens: number;
    readonly seed: number | null;
    readonly prefill?: readonly { readonly id: number; readonly logprob: number | null }[];
    readonly tokens: readonly { readonly id: number; readonly text: string; readonly logprob: number }[];
    readonly top_tokens?: readonly (readonly { readonly id: number; readonly logprob: number }[])[];
  };
}

/** Made by test/reference/text_generation.py with PyTorch. */
export const readTextGeneration = async (): Promise<TextGenerationReference> =>
  (await readJson(join(FIXTURES, 'reference/text-generation.json'))) as TextGenerationReference;

export const promptOf = ({ prompt = '', repeat: [text, times] = [prompt, 1] }: GeneratedReference): string =>
  text.repeat(times);

/** Asks over HTTP for 20 tokens, each with its log-probability. */
export const askForText = async (
  { fetch }: Pick<TestServing, 'fetch'>,
  model: string,
  inputs: unknown,
  parameters: object = {},
): Promise<GeneratedAnswer[]> => {
  const response = await fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs, parameters: { max_new_tokens: 20, details: true, ...parameters } }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${model}: ${response.status} ${body}`);
  return JSON.parse(body) as GeneratedAnswer[];
};

/** From this margin of logits on, the reference is sure of a token: far more than processors differ. */
const SURE = 1e-3;

const verdict = (wrong: number) => ({ worst: wrong === 0 ? 'identical' : `${wrong} differ`, bar: 'identical' });

const differenceOf = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

const worstOf = (differences: readonly number[]): string => Math.max(...differences).toExponential(1);

const lengthOf = (ids: readonly number[] | number): number => (typeof ids === 'number' ? ids : ids.length);

interface Pair {
  readonly actual: GeneratedAnswer;
  readonly expected: GeneratedReference;
}

const measureAnswers = async (
  serving: TestServing,
  model: string,
  reference: readonly GeneratedReference[],
): Promise<ParityRow[]> => {
  await pushNamed(serving.repository, model);
  const pairs: Pair[] = [];
  for (const expected of reference) {
    const [actual] = await askForText(serving, model, promptOf(expected));
    if (actual !== undefined) pairs.push({ actual, expected });
  }
  const sure = pairs.filter(({ expected }) => expected.margin > SURE);
  const isEqual = ({ actual, expected }: Pair): boolean =>
    actual.details.tokens.map(({ id }) => id).join() === expected.ids.join();
  const logprobs = pairs
    .filter(isEqual)
    .flatMap(({ actual, expected }) =>
      actual.details.tokens.map(({ logprob }, index) => Math.abs(logprob - (expected.logprobs[index] ?? 0))),
    );
  const inputs = reference.length;
  const wrong = (isRight: (pair: Pair) => boolean, among = sure): number =>
    among.filter((pair) => !isRight(pair)).length;
  return [
    {
      ...{ model, inputs, compared: 'number of tokens of the prompt' },
      ...verdict(wrong(({ actual, expected }) => actual.details.input_length === lengthOf(expected.input_ids), pairs)),
    },
    { model, inputs: sure.length, compared: 'token ids, greedy', ...verdict(wrong(isEqual)) },
    {
      ...{ model, inputs: sure.length, compared: 'text' },
      ...verdict(wrong(({ actual, expected }) => actual.generated_text === expected.text)),
    },
    { model, inputs, compared: 'log-probabilities', worst: worstOf(logprobs), bar: barOf(model) },
  ];
};

const barOf = (model: string): string => formatTolerance(answerTolerance(`${model}/model.onnx`));

/** The logits after the prompts, in the engine. */
const measureLogits = async (model: string, reference: readonly GeneratedReference[]): Promise<ParityRow> => {
  const session = await createSession(join(FIXTURES, 'models', model, 'model.onnx'), 1769);
  const layout = readLayout(session.signature);
  const differences: number[] = [];
  for (const { input_ids, logits = '' } of reference) {
    if (typeof input_ids === 'number' || logits === '') continue;
    const expected = new Float32Array(new Uint8Array(Buffer.from(logits, 'base64')).buffer);
    const {
      logits: [actual = new Float32Array(0)],
    } = await decode(session, layout, emptyCache(layout), input_ids);
    if (actual.length !== expected.length) throw new Error(`${model} gives ${actual.length} logits`);
    differences.push(...expected.map((value, id) => differenceOf(actual[id] ?? 0, value)));
  }
  await session.release();
  const inputs = reference.filter(({ logits }) => logits !== undefined).length;
  return { model, inputs, compared: 'logits', worst: worstOf(differences), bar: barOf(model) };
};

/** A model in float16, its cache too, may choose otherwise than in float32 where two tokens are nearly as likely: its logits lie up to 0.024 away. */
const HALF_MARGIN = 0.05;
const HALF_BAR = 0.05;

/** The kernels that multiply by weights of 4 bits differ between versions of onnxruntime and processors. */
const INT4_MARGIN = 0.003;
const INT4_BAR = 0.05;

interface RoughBars {
  readonly bar: number;
  readonly of: string;
  /** Tokens of a prompt's answer that are compared. */
  readonly lengthOf: (expected: GeneratedReference) => Promise<number> | number;
  /** The share of the tokens, the nearest ones, whose log-probabilities have to hold the bar. */
  readonly share: number;
}

/** The number of tokens until the first one of which the float32 model is less sure than by `margin`. */
const sureTokens = async (serving: TestServing, prompt: string, margin: number): Promise<number> => {
  const [answer] = await askForText(serving, 'tiny-llama', prompt, { top_n_tokens: 2 });
  const margins = (answer?.details.top_tokens ?? []).map(([best, next]) => (best?.logprob ?? 0) - (next?.logprob ?? 0));
  const unsure = margins.findIndex((each) => each <= margin);
  return unsure < 0 ? margins.length : unsure;
};

/** A model whose numbers are rougher than float32, as far as the reference is sure of its tokens. */
const measureRough = async (
  serving: TestServing,
  model: string,
  reference: readonly GeneratedReference[],
  { bar, of, share, lengthOf: sureLengthOf }: RoughBars,
): Promise<ParityRow[]> => {
  await pushNamed(serving.repository, model);
  const logprobs: number[] = [];
  let wrong = 0;
  let inputs = 0;
  for (const expected of reference) {
    const length = await sureLengthOf(expected);
    if (length === 0) continue;
    inputs += 1;
    const [answer] = await askForText(serving, model, promptOf(expected));
    const tokens = (answer?.details.tokens ?? []).slice(0, length);
    if (tokens.map(({ id }) => id).join() !== expected.ids.slice(0, length).join()) wrong += 1;
    else logprobs.push(...tokens.map(({ logprob }, index) => Math.abs(logprob - (expected.logprobs[index] ?? 0))));
  }
  const nearest = logprobs.toSorted((one, other) => one - other).slice(0, Math.ceil(share * logprobs.length));
  return [
    { model, inputs, compared: 'token ids, greedy', ...verdict(wrong) },
    {
      ...{ model, inputs, compared: `log-probabilities, of ${of}` },
      ...{ worst: worstOf(nearest), bar: formatTolerance(bar) },
    },
  ];
};

/**
 * Made by test/reference/text_generation.py with optimum-onnx and transformers.
 * @param every 1 for all prompts, 9 for every ninth one
 */
export const measureTextGeneration = async (every = 1): Promise<ParityRow[]> => {
  const { models } = await readTextGeneration();
  const promptsOf = (model: string) => (models[model] ?? []).filter((_, index) => index % every === 0);
  const serving = await createTestServing();
  const rows: ParityRow[] = [];
  for (const model of Object.keys(models)) {
    const reference = promptsOf(model);
    rows.push(...(await measureAnswers(serving, model, reference)), await measureLogits(model, reference));
  }
  const halfLength = (expected: GeneratedReference) => sureTokens(serving, promptOf(expected), HALF_MARGIN);
  const half = { lengthOf: halfLength, bar: HALF_BAR, of: 'float32', share: 1 };
  rows.push(...(await measureRough(serving, 'tiny-llama-half', promptsOf('tiny-llama'), half)));
  const { reference, share } = await readInt4();
  const int4Length = ({ margin, ids }: GeneratedReference): number => (margin > INT4_MARGIN ? ids.length : 0);
  const int4 = { lengthOf: int4Length, bar: INT4_BAR, of: 'onnxruntime-genai', share };
  rows.push(...(await measureRough(serving, 'tiny-llama-int4', reference, int4)));
  await serving.remove();
  return rows;
};
