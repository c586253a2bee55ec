import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { formatSpec, type Signature, type Tensor } from '../../core/tensor.ts';
import { assertTextGraph, collateEncodings, longestRow } from '../../media/text/collate.ts';
import { toTexts } from '../../media/text/input.ts';
import { loadTokenizer, type Tokenizer, type Window } from '../../media/text/tokenizer.ts';
import { assertKnownParameters, readChoice } from '../parameters.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';
import { AGGREGATION_STRATEGIES, type AggregationStrategy, aggregateTokens } from './aggregate-tokens.ts';
import { type ClassifiedToken, classifyTokens } from './classified-tokens.ts';

const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Most tokens that the model takes; the tokenizer may know of fewer. */
  maxLength: v.optional(v.number()),
});

export type TokenClassificationSettings = v.InferOutput<typeof settingsSchema>;

interface Request {
  readonly texts: readonly string[];
  readonly isList: boolean;
  readonly strategy: AggregationStrategy;
  readonly ignoredLabels: ReadonlySet<string>;
  /** How many tokens the windows of a long text have in common; undefined for as many as are usual. */
  readonly stride: number | undefined;
}

/** A window of a text. */
interface Row extends Window {
  /** Index of the text. */
  readonly input: number;
}

/** Bounds what a short request with a large stride can cost. */
const MAX_WINDOWS = 1_024;
const MAX_IGNORED_LABELS = 1_000;

/** Of the question-answering pipeline, `doc_stride`; that of token classification has none, and cuts. */
const USUAL_STRIDE = 128;

const refuse = (problem: string): never => {
  throw new ServingError('INVALID_REQUEST', problem);
};

const readStride = (value: unknown): number | undefined =>
  value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)
    ? value
    : refuse(`parameter "stride" is ${show(value)}, expected a number of tokens, 0 or more`);

const readIgnoredLabels = (value: unknown): ReadonlySet<string> =>
  Array.isArray(value) && value.length <= MAX_IGNORED_LABELS && value.every((label) => typeof label === 'string')
    ? new Set(value)
    : refuse(`parameter "ignore_labels" is ${show(value)}, expected a list of up to ${MAX_IGNORED_LABELS} labels`);

/** The windows of all texts; an empty text has none. @throws `INVALID_REQUEST`, `INVALID_INPUT` when they would be endless, or too many */
const toRows = ({ texts, stride: asked }: Request, maxLength: number, tokenizer: Tokenizer): Row[] => {
  const size = maxLength - tokenizer.addedTokens;
  const stride = asked ?? Math.min(USUAL_STRIDE, Math.floor(size / 2));
  if (stride >= size)
    refuse(`parameter "stride" is ${stride}, expected less than the ${size} tokens of a text that the model takes`);
  const rows: Row[] = [];
  texts.forEach((text, input) => {
    const windows = tokenizer.windows(text, { maxLength, stride, mostWindows: MAX_WINDOWS - rows.length });
    if (windows === undefined)
      throw new ServingError(
        'INVALID_INPUT',
        `the texts up to inputs[${input}] make more than ${MAX_WINDOWS} windows of ${size} tokens that overlap by ${stride}; send fewer or shorter texts, or a smaller "stride"`,
      );
    for (const window of windows) if (window.encoding.special.includes(false)) rows.push({ ...window, input });
  });
  return rows;
};

/** The graph's output with a score for each token and label. @throws `MODEL_INVALID` */
const findLogits = ({ outputs }: Signature, labels: readonly string[]): string => {
  const logits = outputs.find(({ name }) => name === 'logits') ?? outputs[0];
  const classes = logits?.shape[2];
  if (logits?.dtype !== 'float32' || logits.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      `token-classification needs an output logits float32[N,tokens,labels], the graph has ${outputs.map((spec) => `${spec.name} ${formatSpec(spec)}`).join(', ')}`,
    );
  if (typeof classes === 'number' && classes !== labels.length)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph has ${classes} labels, "id2label" in config.json names ${labels.length}`,
    );
  return logits.name;
};

const steps = (
  { labels, maxLength }: TokenClassificationSettings,
  logits: string,
): SinglePass<Request, Row, Tokenizer> => ({
  blank: { texts: ['a'], isList: false, strategy: 'none', ignoredLabels: new Set(), stride: undefined },

  decode(payload) {
    const { parameters } = payload;
    assertKnownParameters(parameters, ['aggregation_strategy', 'ignore_labels', 'stride']);
    return {
      ...toTexts(payload),
      strategy: readChoice(parameters, 'aggregation_strategy', AGGREGATION_STRATEGIES, 'none'),
      ignoredLabels: readIgnoredLabels(parameters.ignore_labels ?? ['O']),
      stride: readStride(parameters.stride),
    };
  },

  load: loadTokenizer,

  prepare: (request, signature, tokenizer) => toRows(request, longestRow(signature, tokenizer, maxLength), tokenizer),

  length: ({ encoding }) => encoding.ids.length,

  collate: (batch, signature, tokenizer) =>
    collateEncodings(
      batch.map(({ encoding }) => encoding),
      signature,
      tokenizer,
    ),

  postprocess(outputs, { texts, isList, strategy, ignoredLabels }, rows, tokenizer) {
    const windows = texts.map((): ClassifiedToken[][] => []);
    rows.forEach((row, index) => {
      const output = outputs[index]?.[logits] as Tensor;
      windows[row.input]?.push(classifyTokens(row, texts[row.input] as string, output, tokenizer));
    });
    const aggregation = { strategy, ignoredLabels, labels, toText: tokenizer.join };
    const answers = windows.map((tokens, index) => aggregateTokens(tokens, texts[index] as string, aggregation));
    return jsonAnswer(isList ? answers : answers[0]);
  },
});

/**
 * A text, or a list of texts → `[{entity | entity_group, score, word, start, end}]`, as the Hugging Face pipeline of that name answers, with
 * `start` and `end` in UTF-16 units of the caller's own text. A text that is too long for the model runs in overlapping windows.
 * Graph: `input_ids`, … int64[N,T] → `logits` float32[N,T,L].
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of a token classifier
 */
export const createTokenClassification = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `token-classification settings: ${v.summarize(parsed.issues)}`);
  assertTextGraph(signature);
  return singlePass(steps(parsed.output, findLogits(signature, parsed.output.labels)));
};
