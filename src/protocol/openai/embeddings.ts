import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Usage } from '../../core/usage.ts';
import { parseFields, pickFields, readFieldChoice, refuseField } from './fields.ts';

/** A request of `POST /v1/embeddings`. https://platform.openai.com/docs/api-reference/embeddings */
export interface EmbeddingsRequest {
  readonly model: unknown;
  /** Texts, as the task feature-extraction takes them. */
  readonly inputs: readonly unknown[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly format: 'float' | 'base64';
  /** The numbers that are left of each vector; undefined for all. */
  readonly dimensions: number | undefined;
}

/** Parameters of feature-extraction that a caller may put beside OpenAI's fields. */
const PARAMETERS = ['pooling', 'normalize', 'prompt_name'];
const FIELDS = ['model', 'input', 'encoding_format', 'dimensions', ...PARAMETERS];

const isNumber = (value: unknown): boolean => typeof value === 'number';
/** A number of a list of ids, or one of several lists. */
const isTokenIds = (input: unknown): boolean => isNumber(input) || (Array.isArray(input) && input.every(isNumber));

const readInput = (input: unknown): readonly unknown[] => {
  const inputs = Array.isArray(input) ? input : [input];
  if (inputs.length === 0 || input === undefined)
    return refuseField('input', input, 'a text, or a list of texts that is not empty');
  if (inputs.every(isTokenIds))
    refuse(
      'INVALID_REQUEST',
      '"input" has token ids, which belong to the tokenizer of another model; send texts ' +
        '(LangChain: check_embedding_ctx_length=False)',
    );
  return inputs;
};

const readDimensions = (value: unknown): number | undefined => {
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 1)) return value;
  return refuseField('dimensions', value, 'an integer from 1 on');
};

/** @throws `INVALID_REQUEST` */
export const parseEmbeddingsRequest = (document: unknown): EmbeddingsRequest => {
  const fields = parseFields(document, FIELDS);
  return {
    model: fields.model,
    inputs: readInput(fields.input),
    parameters: { truncate: false, ...pickFields(fields, PARAMETERS) },
    format: readFieldChoice(fields, 'encoding_format', ['float', 'base64'], 'float'),
    dimensions: readDimensions(fields.dimensions),
  };
};

const isVector = (vector: unknown): vector is number[] =>
  Array.isArray(vector) && vector.every((value) => typeof value === 'number');

/** The first numbers of a vector, scaled to length 1, as OpenAI shortens its own. @throws `INVALID_REQUEST` for more than there are */
const shortened = (vector: readonly number[], dimensions: number | undefined): readonly number[] => {
  if (dimensions === undefined || dimensions === vector.length) return vector;
  if (dimensions > vector.length)
    refuseField('dimensions', dimensions, `at most ${vector.length}, the numbers of the model's vectors`);
  const first = vector.slice(0, dimensions);
  const length = Math.hypot(...first);
  return length === 0 ? first : first.map((value) => Math.fround(value / length));
};

/** The vectors of an answer. @throws `INVALID_REQUEST` when the model gives a vector for each token */
const vectorsOf = (value: unknown): readonly (readonly number[])[] => {
  if (Array.isArray(value) && value.every(isVector)) return value;
  return refuse(
    'INVALID_REQUEST',
    `the model gives a vector for each token and has no pooling of its own; choose one, such as ${show('pooling')}: ${show('mean')}`,
  );
};

/** The answer of feature-extraction in OpenAI's form. @throws `INVALID_REQUEST` */
export const toEmbeddings = (
  value: unknown,
  { promptTokens = 0 }: Usage,
  model: string,
  { format, dimensions }: Pick<EmbeddingsRequest, 'format' | 'dimensions'>,
) => ({
  object: 'list',
  data: vectorsOf(value).map((whole, index) => {
    const vector = shortened(whole, dimensions);
    const embedding = format === 'float' ? vector : Buffer.from(Float32Array.from(vector).buffer).toString('base64');
    return { object: 'embedding', index, embedding };
  }),
  model,
  usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
});
