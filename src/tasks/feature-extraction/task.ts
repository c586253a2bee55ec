import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { isBatchable } from '../../core/batch.ts';
import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import type { Signature, Tensor } from '../../core/tensor.ts';
import { assertTextGraph, collateEncodings, longestRow, rowStart } from '../../media/text/collate.ts';
import { type Texts, toTexts } from '../../media/text/input.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { assertKnownParameters, readBoolean, readChoice } from '../parameters.ts';
import { type RowTask, rowTask } from '../row-task.ts';
import type { Task } from '../task.ts';
import { POOL_NAMES, type PoolName, pool, toUnitLength } from './pooling.ts';

const settingsSchema = v.object({
  /** How the vectors of tokens become one, several one after the other; none for the vectors of tokens themselves. */
  pooling: v.array(v.picklist(POOL_NAMES)),
  /** Whether the vector of a text gets length 1; those of tokens only where the caller asks for it. */
  normalize: v.boolean(),
  /** Whether texts are turned to lower case first. */
  lowerCase: v.boolean(),
  /** Parts of the model that this task does not do, such as `Dense`: they have to be in the graph. */
  graphModules: v.array(v.string()),
  /** Most tokens that the model takes; the tokenizer may know of fewer. */
  maxLength: v.optional(v.number()),
});

export type FeatureExtractionSettings = v.InferOutput<typeof settingsSchema>;

/** Numbers in the vectors of all tokens of a request: about 20 MB of JSON. */
const MAX_TOKEN_NUMBERS = 2_000_000;

/** `model` is what the model's files say, or the vector that the graph itself makes of a text. */
const POOLING_CHOICES = ['model', 'none', ...POOL_NAMES] as const;

interface Request extends Texts {
  readonly pooling: (typeof POOLING_CHOICES)[number];
  readonly normalize: boolean;
}

interface Row {
  readonly encoding: Encoding;
  /** `sentence` for the vector that the graph makes of the text; empty for the vectors of tokens. */
  readonly pooling: 'sentence' | readonly PoolName[];
}

/** The vectors of a text: one, or one for each token. */
type Vectors = readonly Float32Array[];

interface Outputs {
  /** Vectors of tokens, float32[N,tokens,width]. */
  readonly tokens: string | undefined;
  /** One vector for each text, float32[N,width], made in the graph. */
  readonly sentence: string | undefined;
}

/** @throws `MODEL_INVALID` */
const readOutputs = ({ outputs }: Signature, graphModules: readonly string[]): Outputs => {
  const vectors = outputs.filter(({ dtype }) => dtype === 'float32');
  const tokens = vectors.find(({ shape }) => shape.length === 3)?.name;
  const sentence = vectors.find(({ name, shape }) => name === 'sentence_embedding' && shape.length === 2)?.name;
  if (tokens === undefined && sentence === undefined)
    throw new ServingError(
      'MODEL_INVALID',
      'feature-extraction needs a graph with an output last_hidden_state float32[N,tokens,width] or sentence_embedding float32[N,width]',
    );
  if (sentence === undefined && graphModules.length > 0)
    throw new ServingError(
      'MODEL_INVALID',
      `modules.json has ${graphModules.join(', ')}, which is served only where the graph holds it and has an output sentence_embedding: export with optimum-cli export onnx --library sentence_transformers`,
    );
  return { tokens, sentence };
};

/** The vector of each text that the graph made. */
const readSentences = ({ data, shape: [count = 0, width = 0] }: Tensor<'float32'>): Vectors[] =>
  Array.from({ length: count }, (_, row) => [data.slice(row * width, (row + 1) * width)]);

/** What `pooling` makes of the vectors of the tokens of each row, padding left out; these themselves when it is empty. */
const readTokens = (
  { data, shape: [, length = 0, width = 0] }: Tensor<'float32'>,
  batch: readonly Row[],
  pooling: readonly PoolName[],
  tokenizer: Tokenizer,
): Vectors[] =>
  batch.map(({ encoding }, row) => {
    const from = row * length + rowStart(encoding, length, tokenizer);
    if (pooling.length > 0) return [pool(pooling, data, width, from, from + encoding.ids.length)];
    return encoding.ids.map((_, token) => data.slice((from + token) * width, (from + token + 1) * width));
  });

const steps = (
  settings: FeatureExtractionSettings,
  signature: Signature,
): RowTask<Request, Row, Vectors, Tokenizer> => {
  const outputs = readOutputs(signature, settings.graphModules);

  const poolingOf = (choice: Request['pooling']): Row['pooling'] => {
    if (choice === 'model') return outputs.sentence === undefined ? settings.pooling : 'sentence';
    return choice === 'none' ? [] : [choice];
  };

  /** The vectors of tokens are large, and all of them are kept until the last one is made. */
  const assertTokenVectorsFit = (rows: readonly Row[]): void => {
    const width = signature.outputs.find(({ name }) => name === outputs.tokens)?.shape[2];
    const tokens = rows.reduce((sum, { encoding }) => sum + encoding.ids.length, 0);
    if (typeof width === 'number' && tokens * width > MAX_TOKEN_NUMBERS)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `the vectors of ${tokens} tokens have ${tokens * width} numbers, at most ${MAX_TOKEN_NUMBERS} are answered: send fewer texts, or ask for one vector a text with "pooling": "mean"`,
      );
  };

  return {
    blank: { texts: [''], isList: false, pooling: 'model', normalize: settings.normalize },

    decode(payload) {
      const { parameters } = payload;
      assertKnownParameters(parameters, ['pooling', 'normalize']);
      const pooling = readChoice(parameters, 'pooling', POOLING_CHOICES, 'model');
      if (poolingOf(pooling) !== 'sentence' && outputs.tokens === undefined)
        throw new ServingError(
          'INVALID_REQUEST',
          `parameter "pooling" is "${pooling}", but the graph gives one vector for a text and none for its tokens`,
        );
      const isUsual = pooling !== 'none' && settings.normalize;
      return { ...toTexts(payload), pooling, normalize: readBoolean(parameters, 'normalize', isUsual) };
    },

    load: loadTokenizer,

    prepare({ texts, pooling: choice }, tokenizer) {
      const maxLength = longestRow(signature, tokenizer, settings.maxLength);
      const pooling = poolingOf(choice);
      const cased = (text: string): string => (settings.lowerCase ? text.toLowerCase() : text);
      const rows = texts.map((text): Row => ({ encoding: tokenizer.encode(cased(text), { maxLength }), pooling }));
      if (pooling.length === 0) assertTokenVectorsFit(rows);
      return rows;
    },

    group: ({ pooling }) => String(pooling),

    length: ({ encoding }) => encoding.ids.length,

    batchSize: (_, maxBatch) => (isBatchable(signature) ? maxBatch : 1),

    async run(batch, tokenizer, { model }) {
      const { pooling } = batch[0] as Row;
      const encodings = batch.map(({ encoding }) => encoding);
      const name = (pooling === 'sentence' ? outputs.sentence : outputs.tokens) as string;
      const tensors = await (model as Graph).run(collateEncodings(encodings, signature, tokenizer), [name]);
      const tensor = tensors[name] as Tensor<'float32'>;
      return pooling === 'sentence' ? readSentences(tensor) : readTokens(tensor, batch, pooling, tokenizer);
    },

    postprocess(vectors, { pooling: choice, normalize }, rows) {
      const answer = vectors.map((own) => {
        const numbers = own.map((vector) => toNumbers(normalize ? toUnitLength(vector) : vector));
        return poolingOf(choice).length === 0 ? numbers : numbers[0];
      });
      const cut = rows.flatMap(({ encoding }, index) => (encoding.truncatedFrom === undefined ? [] : [index]));
      return jsonAnswer(answer, cut);
    },
  };
};

/** Float32 values with the nine digits that tell them apart, half of what JSON would write. */
const toNumbers = (vector: Float32Array): number[] => Array.from(vector, (value) => Number(value.toPrecision(9)));

/**
 * Texts → for each its vector, or where nothing pools them the vectors of its tokens, special ones included: always a list, also for one text.
 * Graph: `input_ids`, `attention_mask`, … int64[N,tokens] → `last_hidden_state` float32[N,tokens,width] or `sentence_embedding` float32[N,width].
 *
 * @throws `MODEL_INVALID` when `settings` or `signature` are not those of an encoder of texts
 */
export const createFeatureExtraction = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `feature-extraction settings: ${v.summarize(parsed.issues)}`);
  assertTextGraph(signature);
  return rowTask(steps(parsed.output, signature));
};
