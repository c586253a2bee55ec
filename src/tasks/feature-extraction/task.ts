import { jsonAnswer } from '../../core/answer.ts';
import { isBatchable } from '../../core/batch.ts';
import { mapInTime } from '../../core/deadline.ts';
import { element } from '../../core/element.ts';
import { refuse, ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { shortestDoubles } from '../../core/shortest-float.ts';
import type { Signature } from '../../core/tensor.ts';
import { assertTextGraph, collateEncodings, longestRow } from '../../media/text/collate.ts';
import { describeTexts } from '../../media/text/features.ts';
import { type Texts, toTexts } from '../../media/text/input.ts';
import { type EncodeOptions, type Encoding, loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { listElements } from '../elements.ts';
import { graphOf } from '../graph-of.ts';
import { type Parameters, type ParameterValues, readChoice, readParameters } from '../parameters.ts';
import { type RowTask, rowTask } from '../row-task.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { assertWhole } from '../truncation.ts';
import { PARAMETERS } from './parameters.ts';
import { toUnitLength } from './pooling.ts';
import { type FeatureExtractionSettings, settingsSchema } from './settings.ts';
import { comparedTexts, dotProducts } from './similarity.ts';
import {
  findSources,
  isPerToken,
  readVectors,
  type VectorSource,
  type VectorSources,
  type Vectors,
} from './vectors.ts';

/** Numbers in the vectors of all tokens of a request: about 20 MB of JSON. */
const MAX_TOKEN_NUMBERS = 2_000_000;

interface Request extends Texts {
  readonly source: VectorSource;
  readonly normalize: boolean;
  readonly mayCut: boolean;
  /** Undefined for the side of the tokenizer. */
  readonly cutSide: EncodeOptions['cutSide'];
  /** Answers the similarities of the first text with each other one. */
  readonly isComparison: boolean;
  /** Put before each text. */
  readonly prompt: string;
}

interface Row {
  readonly encoding: Encoding;
  readonly source: VectorSource;
}

/** The source for the parameter `pooling`. @throws `INVALID_REQUEST` when the graph gives no vectors of tokens */
const readSource = (
  choice: NonNullable<ParameterValues<typeof PARAMETERS>['pooling']>,
  { model, tokens }: VectorSources,
): VectorSource => {
  if (choice === 'model') return model;
  if (tokens === undefined)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "pooling" is "${choice}", but the graph gives one vector for a text and none for its tokens`,
    );
  return { kind: 'tokens', output: tokens, pools: choice === 'none' ? [] : [choice] };
};

/** The prompt of the parameter `prompt_name`, else the default one; empty without prompts. @throws `INVALID_REQUEST` for an unknown name */
const readPrompt = (
  parameters: Parameters,
  { prompts = {}, defaultPrompt = '' }: FeatureExtractionSettings,
): string => {
  if ((parameters.prompt_name ?? undefined) === undefined) return prompts[defaultPrompt] ?? '';
  const names = Object.keys(prompts);
  if (names.length === 0)
    throw new ServingError('INVALID_REQUEST', 'parameter "prompt_name" is set, but the model has no prompts');
  return prompts[readChoice(parameters, 'prompt_name', names, '')] ?? '';
};

/** Bounds the memory of vectors of tokens, all of which are kept until the last one is made. @throws `PAYLOAD_TOO_LARGE` */
const assertTokenVectorsFit = (rows: readonly Row[], output: string, { outputs }: Signature): void => {
  const width = outputs.find(({ name }) => name === output)?.shape[2];
  const tokens = rows.reduce((sum, { encoding }) => sum + encoding.ids.length, 0);
  if (typeof width === 'number' && tokens * width > MAX_TOKEN_NUMBERS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `the vectors of ${tokens} tokens have ${tokens * width} numbers, at most ${MAX_TOKEN_NUMBERS} are ` +
        'answered: send fewer texts, or ask for one vector a text with "pooling": "mean"',
    );
};

/** Float32 values with half of the digits that JSON would write. */
const toNumbers = (vector: Float32Array): number[] => Array.from(shortestDoubles(vector));

/** @throws `INVALID_REQUEST`, `INVALID_INPUT` and the errors of `toTexts` */
const readRequest = (payload: Payload, sources: VectorSources, settings: FeatureExtractionSettings): Request => {
  const { parameters } = payload;
  const given = readParameters(parameters, PARAMETERS);
  const choice = given.pooling ?? PARAMETERS.pooling.default;
  const source = readSource(choice, sources);
  const normalize = given.normalize ?? (choice !== 'none' && settings.normalize);
  const mayCut = given.truncate ?? PARAMETERS.truncate.default;
  const shared = { source, mayCut, cutSide: given.truncation_direction, prompt: readPrompt(parameters, settings) };
  const compared = comparedTexts(payload);
  if (compared === undefined) return { ...toTexts(payload), ...shared, normalize, isComparison: false };
  if (isPerToken(source)) refuse('INVALID_REQUEST', 'texts are compared by one vector each, ask for "pooling": "mean"');
  return { ...toTexts({ ...payload, inputs: compared }), ...shared, normalize: true, isComparison: true };
};

const steps = (
  settings: FeatureExtractionSettings,
  signature: Signature,
): RowTask<Request, Row, Vectors, Tokenizer> => {
  const sources = findSources(signature, settings);
  return {
    blank: {
      ...{ texts: [''], isList: false, source: sources.model, normalize: settings.normalize },
      ...{ mayCut: true, cutSide: undefined, isComparison: false },
      prompt: readPrompt({}, settings),
    },

    elements: listElements,

    decode: (payload) => readRequest(payload, sources, settings),

    load: loadTokenizer,

    prepare({ texts, isList, source, mayCut, cutSide, prompt }, tokenizer, deadline) {
      const maxLength = longestRow(signature, tokenizer, settings.maxLength);
      const cased = (text: string): string => (settings.lowerCase ? text.toLowerCase() : text);
      const rows = mapInTime(
        texts,
        deadline,
        (text): Row => ({ encoding: tokenizer.encode(cased(prompt + text), { maxLength, cutSide }), source }),
      );
      if (!mayCut)
        assertWhole(
          rows.map(({ encoding }) => encoding),
          isList,
        );
      if (isPerToken(source)) assertTokenVectorsFit(rows, source.output, signature);
      return rows;
    },

    describe: ({ texts }, { resources }) => describeTexts(texts, resources),
    group: ({ source }) => (source.kind === 'text' ? 'text' : String(source.pools)),

    length: ({ encoding }) => encoding.ids.length,

    batchSize: (_, maxBatch) => (isBatchable(signature) ? maxBatch : 1),

    async run(batch, tokenizer, graphs) {
      const { source } = element(batch, 0);
      const encodings = batch.map(({ encoding }) => encoding);
      const feeds = collateEncodings(encodings, signature, tokenizer);
      return readVectors(await graphOf(graphs).run(feeds, [source.output]), source, encodings, tokenizer);
    },

    postprocess(vectors, { source, normalize, isComparison }, rows) {
      const scaled = vectors.map((own) => own.map((vector) => (normalize ? toUnitLength(vector) : vector)));
      const answer = isComparison
        ? dotProducts(scaled.flat())
        : scaled.map((own) => (isPerToken(source) ? own.map(toNumbers) : own.map(toNumbers)[0]));
      const cut = rows.flatMap(({ encoding }, index) => (encoding.truncatedFrom === undefined ? [] : [index]));
      const promptTokens = rows.reduce((sum, { encoding }) => sum + encoding.ids.length, 0);
      return jsonAnswer(answer, cut, { promptTokens });
    },
  };
};

/**
 * Texts → the vector of each, or the vectors of its tokens, special ones included, when nothing pools them. The answer is a list, also for
 * one text.
 * Graph: `input_ids`, `attention_mask`, … int64[N,tokens] → `last_hidden_state` float32[N,tokens,width] or `sentence_embedding` float32[N,width].
 */
export const featureExtraction: TaskType<FeatureExtractionSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const signature = signatureOf(version);
    assertTextGraph(signature);
    return rowTask(steps(settings, signature));
  },
};
