import { jsonAnswer } from '../../core/answer.ts';
import { type Deadline, mapInTime } from '../../core/deadline.ts';
import { element } from '../../core/element.ts';
import { refuse, ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { type Signature, tensorOf } from '../../core/tensor.ts';
import { assertTextGraph, collateEncodings, longestRow } from '../../media/text/collate.ts';
import { describeTexts } from '../../media/text/features.ts';
import { toTexts } from '../../media/text/input.ts';
import { loadTokenizer, type Tokenizer, type Window } from '../../media/text/tokenizer.ts';
import { listElements } from '../elements.ts';
import { formatSpecs } from '../format-specs.ts';
import { readParameters } from '../parameters.ts';
import { SCORE_FUNCTIONS } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { type AggregationStrategy, aggregateTokens } from './aggregate-tokens.ts';
import { type ClassifiedToken, classifyTokens } from './classified-tokens.ts';
import { MAX_IGNORED_LABELS, PARAMETERS } from './parameters.ts';
import { settingsSchema, type TokenClassificationSettings } from './settings.ts';

interface Request {
  readonly texts: readonly string[];
  readonly isList: boolean;
  readonly strategy: AggregationStrategy;
  readonly ignoredLabels: ReadonlySet<string>;
  /** Number of tokens that neighbouring windows of a long text share; undefined for the default. */
  readonly stride: number | undefined;
}

/** A window of a text. */
interface Row extends Window {
  /** Index of the text. */
  readonly input: number;
}

/** Bounds the cost of a short request with a large stride. */
const MAX_WINDOWS = 1_024;

/** The default `doc_stride` of the question-answering pipeline. The pipeline of token classification has no stride, and cuts texts. */
const DEFAULT_STRIDE = 128;

const readStride = (value: unknown): number | undefined =>
  value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)
    ? value
    : refuse('INVALID_REQUEST', `parameter "stride" is ${show(value)}, expected a number of tokens, 0 or more`);

const readIgnoredLabels = (value: unknown): ReadonlySet<string> =>
  Array.isArray(value) && value.length <= MAX_IGNORED_LABELS && value.every((label) => typeof label === 'string')
    ? new Set(value)
    : refuse(
        'INVALID_REQUEST',
        `parameter "ignore_labels" is ${show(value)}, expected a list of up to ${MAX_IGNORED_LABELS} labels`,
      );

/**
 * The windows of all texts; an empty text has none.
 * @throws `INVALID_REQUEST` for a stride as long as a window, `INVALID_INPUT` for too many windows, `DEADLINE_EXCEEDED`
 */
const toRows = (
  { texts, stride: asked }: Request,
  maxLength: number,
  tokenizer: Tokenizer,
  deadline: Deadline,
): Row[] => {
  const size = maxLength - tokenizer.addedTokens;
  const stride = asked ?? Math.min(DEFAULT_STRIDE, Math.floor(size / 2));
  if (stride >= size)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "stride" is ${stride}, expected less than the ${size} tokens of a text that the model takes`,
    );
  const rows: Row[] = [];
  mapInTime(texts, deadline, (text, input) => {
    const windows = tokenizer.windows(text, { maxLength, stride, mostWindows: MAX_WINDOWS - rows.length });
    if (windows === undefined)
      throw new ServingError(
        'INVALID_INPUT',
        `the texts up to inputs[${input}] make more than ${MAX_WINDOWS} windows of ${size} tokens that overlap by ` +
          `${stride}; send fewer or shorter texts, or a smaller "stride"`,
      );
    for (const window of windows) if (window.encoding.special.includes(false)) rows.push({ ...window, input });
  });
  return rows;
};

/** The name of the output with a score for each token and label. @throws `MODEL_INVALID` */
const findLogits = ({ outputs }: Signature, labels: readonly string[]): string => {
  const logits = outputs.find(({ name }) => name === 'logits') ?? outputs[0];
  const classes = logits?.shape[2];
  if (logits?.dtype !== 'float32' || logits.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      `token-classification needs an output logits float32[N,tokens,labels], the graph has ${formatSpecs(outputs)}`,
    );
  if (typeof classes === 'number' && classes !== labels.length)
    throw new ServingError(
      'MODEL_INVALID',
      `the graph has ${classes} labels, "id2label" in config.json names ${labels.length}`,
    );
  return logits.name;
};

const steps = (
  { labels, functionToApply, maxLength }: TokenClassificationSettings,
  signature: Signature,
  logits: string,
): SinglePass<Request, Row, Tokenizer> => ({
  blank: { texts: ['a'], isList: false, strategy: 'none', ignoredLabels: new Set(), stride: undefined },

  elements: listElements,

  decode(payload) {
    const { aggregation_strategy, ignore_labels, stride } = readParameters(payload.parameters, PARAMETERS);
    return {
      ...toTexts(payload),
      strategy: aggregation_strategy ?? PARAMETERS.aggregation_strategy.default,
      ignoredLabels: readIgnoredLabels(ignore_labels ?? PARAMETERS.ignore_labels.default),
      stride: readStride(stride),
    };
  },

  load: loadTokenizer,

  prepare: (request, tokenizer, deadline) =>
    toRows(request, longestRow(signature, tokenizer, maxLength), tokenizer, deadline),

  describe: ({ texts }, { resources }) => describeTexts(texts, resources),

  length: ({ encoding }) => encoding.ids.length,

  collate: (batch, _signature, tokenizer) =>
    collateEncodings(
      batch.map(({ encoding }) => encoding),
      signature,
      tokenizer,
    ),

  postprocess(outputs, { texts, isList, strategy, ignoredLabels }, rows, tokenizer) {
    const windows = texts.map((text): { text: string; tokens: ClassifiedToken[][] } => ({ text, tokens: [] }));
    rows.forEach((row, index) => {
      const { text, tokens } = element(windows, row.input);
      tokens.push(classifyTokens(row, text, tensorOf(element(outputs, index), logits, 'float32'), tokenizer));
    });
    const toScores = SCORE_FUNCTIONS[functionToApply];
    const aggregation = { strategy, ignoredLabels, labels, toText: tokenizer.join, toScores };
    const answers = windows.map(({ text, tokens }) => aggregateTokens(tokens, text, aggregation));
    return jsonAnswer(isList ? answers : answers[0]);
  },
});

/**
 * A text, or a list of texts → `[{entity | entity_group, score, word, start, end}]`, as the Hugging Face pipeline of that name answers, with
 * `start` and `end` in UTF-16 units of the caller's own text. A text that is too long for the model runs in overlapping windows.
 * Graph: `input_ids`, … int64[N,T] → `logits` float32[N,T,L].
 */
export const tokenClassification: TaskType<TokenClassificationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const signature = signatureOf(version);
    assertTextGraph(signature);
    return singlePass(steps(settings, signature, findLogits(signature, settings.labels)));
  },
};
