import { join } from 'node:path';
import { createSession, type Session } from '../../../src/engine/session.ts';
import { generate } from '../../../src/generation/generate.ts';
import { parseGenerationConfig } from '../../../src/generation/generation-config.ts';
import type { Generated } from '../../../src/generation/search.ts';
import { collateEncodings } from '../../../src/media/text/collate.ts';
import { FIXTURES, readJson } from '../image-parity.ts';
import { answerTolerance, formatTolerance } from '../processors/tolerances.ts';
import { createTestServing, pushNamed, type TestServing } from '../serving.ts';
import type { ParityRow } from './parity-row.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Expected {
  readonly ids: readonly number[];
  readonly text: string;
  /** Of beam search. */
  readonly score?: number;
  readonly margin: number;
}

type Input = {
  readonly text: string;
  readonly src_lang?: string;
  readonly tgt_lang?: string;
  /** Stands before the text. */
  readonly prefix?: string;
  readonly input_ids: readonly number[];
  /** Settings beside those of the model. */
  readonly options: Fields;
} & { readonly [beams: `beams${number}`]: Expected };

interface Reference {
  readonly models: Readonly<Record<string, { readonly beams: number; readonly inputs: readonly Input[] }>>;
  readonly options: {
    readonly model: string;
    readonly input_ids: readonly (readonly number[])[];
    readonly cases: readonly { readonly options: Fields; readonly outputs: readonly Expected[] }[];
  };
}

/** From this margin on, in log probabilities, the reference is sure of a token: far more than processors differ. */
const SURE = 1e-4;
const GRAPHS = ['encoder_model.onnx', 'decoder_model_merged.onnx'];
/** The batches in which inputs are also generated; a multiple of the languages that take turns. */
const BATCH = 8;

interface Model {
  readonly generation: Fields;
  readonly encoder: Session;
  readonly decoder: Session;
}

const openModel = async (name: string): Promise<Model> => {
  const folder = join(FIXTURES, 'models', name);
  return {
    generation: (await readJson(join(folder, 'generation_config.json'))) as Fields,
    encoder: await createSession(join(folder, 'encoder_model.onnx'), 1769),
    decoder: await createSession(join(folder, 'decoder_model_merged.onnx'), 1769),
  };
};

const closeModel = async ({ encoder, decoder }: Model): Promise<void> => {
  await encoder.release();
  await decoder.release();
};

/** Runs rows of tokens together, padded. */
const generateRows = async (
  { generation, encoder, decoder }: Model,
  rows: readonly (readonly number[])[],
  options: Fields,
): Promise<Generated[]> => {
  const config = parseGenerationConfig({ ...generation, ...options });
  const encodings = rows.map((ids) => ({
    ...{ ids: [...ids], typeIds: [], offsets: [], special: [], sequence: [], wordIds: [] },
  }));
  const feeds = collateEncodings(encodings, encoder.signature, {
    padId: generation.pad_token_id as number,
    paddingSide: 'right',
  });
  const { last_hidden_state: hiddenStates, attention_mask: attentionMask } = {
    ...feeds,
    ...(await encoder.run(feeds)),
  };
  if (hiddenStates === undefined || attentionMask === undefined) throw new Error('the encoder lacks a tensor');
  return generate({
    decoder,
    encoded: { hiddenStates, attentionMask },
    prompts: rows.map(() => [config.decoderStartTokenId]),
    config,
  });
};

interface Pair {
  readonly actual: Generated;
  readonly expected: Expected;
}

/** Token ids have to be equal where the reference is sure; scores where tokens are. */
const compare = (model: string, inputs: number, what: string, pairs: readonly Pair[]): ParityRow[] => {
  const isEqual = ({ actual, expected }: Pair): boolean => actual.ids.join() === expected.ids.join();
  const wrong = pairs.filter((pair) => pair.expected.margin > SURE && !isEqual(pair)).length;
  const scores = pairs
    .filter((pair) => pair.actual.score !== undefined && isEqual(pair))
    .map(({ actual: { score = 0 }, expected: { score: reference = 0 } }) => {
      return Math.abs(score - reference) / Math.max(1, Math.abs(reference)); // without a length penalty they grow with length
    });
  const tokens = { model, inputs, compared: `token ids, ${what}`, ...verdict(wrong) };
  if (scores.length === 0) return [tokens];
  const worst = Math.max(...scores).toExponential(1);
  const bar = formatTolerance(answerTolerance(...GRAPHS.map((graph) => `${model}/${graph}`)));
  return [tokens, { model, inputs, compared: `scores, ${what}`, worst, bar }];
};

const verdict = (wrong: number) => ({ worst: wrong === 0 ? 'identical' : `${wrong} differ`, bar: 'identical' });

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));

/** Inputs that may run together: of equal settings. */
const batchesOf = (inputs: readonly Input[], size: number): Input[][] =>
  [...Map.groupBy(inputs, ({ options }) => JSON.stringify(options)).values()].flatMap((group) => chunks(group, size));

/** Each input alone, and in batches. */
const measureTokens = async (name: string, inputs: readonly Input[], numBeams: number): Promise<ParityRow[]> => {
  const model = await openModel(name);
  const pairs: Pair[] = [];
  for (const batch of [...batchesOf(inputs, 1), ...batchesOf(inputs, BATCH)]) {
    const ids = batch.map(({ input_ids }) => input_ids);
    const actual = await generateRows(model, ids, { ...batch[0]?.options, num_beams: numBeams });
    batch.forEach((input, index) => {
      pairs.push({ actual: actual[index] as Generated, expected: input[`beams${numBeams}`] as Expected });
    });
  }
  await closeModel(model);
  return compare(name, inputs.length, numBeams === 1 ? 'greedy' : `${numBeams} beams`, pairs);
};

const measureOptions = async ({ options }: Pick<Reference, 'options'>): Promise<ParityRow[]> => {
  const model = await openModel(options.model);
  const pairs: Pair[] = [];
  for (const one of options.cases) {
    const actual = await generateRows(model, options.input_ids, one.options);
    one.outputs.forEach((expected, index) => {
      pairs.push({ actual: actual[index] as Generated, expected });
    });
  }
  await closeModel(model);
  return compare(options.model, pairs.length, `${options.cases.length} settings of generation_config.json`, pairs);
};

/** Pushes the model and asks it over HTTP, a list for each pair of languages. */
const measureAnswers = async (
  { fetch, repository }: TestServing,
  name: string,
  beams: number,
  inputs: readonly Input[],
): Promise<ParityRow> => {
  await pushNamed(repository, name);
  let wrong = 0;
  for (const group of Map.groupBy(inputs, ({ src_lang, tgt_lang }) => `${src_lang} ${tgt_lang}`).values()) {
    const [{ src_lang, tgt_lang, prefix = '' }] = group as [Input];
    const isAsked = tgt_lang !== undefined;
    const response = await fetch(`/models/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        inputs: group.map((input) => (isAsked ? input.text : `${prefix && input.prefix}${input.text}`)),
        parameters: isAsked ? { src_lang: src_lang ?? 'en', tgt_lang } : {},
      }),
    });
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
    const answer = (await response.json()) as { translation_text: string }[];
    wrong += group.filter((input, index) => {
      const expected = input[`beams${beams}`] as Expected;
      return expected.margin > SURE && answer[index]?.translation_text !== expected.text;
    }).length;
  }
  return { model: name, inputs: inputs.length, compared: 'text over HTTP, settings as shipped', ...verdict(wrong) };
};

/**
 * Made by test/reference/translation.py with optimum-onnx and transformers.
 * @param every 1 for all inputs and settings, 9 for every ninth one
 */
export const measureTranslation = async (every = 1): Promise<ParityRow[]> => {
  const isMeasured = (_: unknown, index: number): boolean => index % every === 0;
  const reference = (await readJson(join(FIXTURES, 'reference/translation.json'))) as Reference;
  const serving = await createTestServing();
  const rows: ParityRow[] = [];
  for (const [name, { beams, inputs: all }] of Object.entries(reference.models)) {
    const inputs = all.filter(isMeasured);
    for (const numBeams of new Set([1, 4, beams])) rows.push(...(await measureTokens(name, inputs, numBeams)));
    rows.push(await measureAnswers(serving, name, beams, inputs));
  }
  const { options } = reference;
  rows.push(...(await measureOptions({ options: { ...options, cases: options.cases.filter(isMeasured) } })));
  await serving.remove();
  return rows;
};
