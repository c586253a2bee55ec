import * as v from 'valibot';
import type { Signature } from '../core/tensor.ts';
import { MAX_AUDIO_FILES } from '../media/audio/input.ts';
import { createSilence } from '../media/audio/wav.ts';
import { BLACK_PIXEL, MAX_IMAGES } from '../media/image/input.ts';
import { MAX_ROWS } from '../media/table/rows.ts';
import { type Column, columnsSchema, createTable } from '../media/table/table.ts';
import { MAX_TEXTS } from '../media/text/input.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { MAX_QUERIES } from '../tasks/recommendation/parameters.ts';
import { arrayOf, BOOLEAN, INTEGER, type JsonSchema, objectOf, oneOrMany, STRING } from './json-schema.ts';
import { type BlankTensors, tensorInputs, tensorInputsExample } from './tensors.ts';

/** The parts of a version that its inputs follow from. */
export interface ModelFacts {
  readonly task: string;
  readonly settings: PublishedBundle['settings'];
  /** The tensors of `/v2`. */
  readonly signature: Signature;
  /** Tensors that a request of `/v2` may have, for its example; undefined where those that run are not known. */
  readonly blanks: BlankTensors | undefined;
}

/** The inputs of a model. */
export interface TaskInputs {
  /** `inputs` of a JSON request. */
  readonly schema: JsonSchema;
  /** A value of `inputs` that the model takes. */
  readonly example: unknown;
  /** Media types of a body that is the input itself. */
  readonly media: readonly string[];
  /** Rows with their header, for a table. */
  readonly csv?: string;
}

const IMAGE: JsonSchema = {
  type: 'string',
  contentEncoding: 'base64',
  description: 'An image as base64, or as a data URL: JPEG, PNG, WebP, AVIF, GIF or TIFF.',
};
const AUDIO: JsonSchema = {
  type: 'string',
  contentEncoding: 'base64',
  description: 'An audio file as base64, or as a data URL: WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus.',
};
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/avif', 'image/gif', 'image/tiff'];
const AUDIO_TYPES = ['audio/wav', 'audio/flac', 'audio/mpeg', 'audio/ogg'];

const images: TaskInputs = {
  schema: oneOrMany(IMAGE, { maxItems: MAX_IMAGES }),
  example: BLACK_PIXEL.toString('base64'),
  media: IMAGE_TYPES,
};

const audio: TaskInputs = {
  schema: oneOrMany(AUDIO, { maxItems: MAX_AUDIO_FILES }),
  example: Buffer.from(createSilence(0.1, 8_000)).toString('base64'),
  media: AUDIO_TYPES,
};

const texts = (example: string, element = STRING): TaskInputs => ({
  schema: oneOrMany(element, { maxItems: MAX_TEXTS }),
  example,
  media: ['text/plain'],
});

const PAIR = objectOf({ text: STRING }, { text_pair: STRING });
const COMPARISON = objectOf({ source_sentence: STRING, sentences: arrayOf(STRING, { minItems: 1 }) });

const TOKENS = objectOf({ tokens: arrayOf({ type: 'integer', minimum: 0 }) });

const IDS = arrayOf({ anyOf: [STRING, INTEGER] });
const QUERY = objectOf({}, { user: { anyOf: [STRING, INTEGER] }, history: IDS, exclude: IDS });

/** The JSON of a value of a column, and a value. Numbers may come as text. */
const KINDS = {
  string: { schema: STRING, sample: 'text' },
  bool: { schema: BOOLEAN, sample: true },
  number: { schema: { type: ['number', 'string'] }, sample: 1 },
};

const kindOf = ({ dtype }: Column) => KINDS[dtype === 'string' || dtype === 'bool' ? dtype : 'number'];

const cellOf = (column: Column): JsonSchema => {
  const nothing = column.missing === undefined ? [] : [{ type: 'null' }];
  const given = column.categories === undefined ? kindOf(column).schema : { enum: [...column.categories] };
  return nothing.length === 0 ? given : { anyOf: [given, ...nothing] };
};

const sampleOf = (column: Column): unknown => [...(column.categories ?? [kindOf(column).sample])][0];

/** A cell of CSV. https://www.rfc-editor.org/rfc/rfc4180 */
const toCell = (value: unknown): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Rows as lists, as objects by column, as columns, or as pandas splits them. @throws for columns that do not fit the graph */
const rows = ({ settings, signature }: ModelFacts): TaskInputs => {
  const { columns } = createTable(v.parse(v.optional(columnsSchema), settings.columns), signature);
  const names = columns.map(({ name }) => name);
  const list = arrayOf({}, { minItems: columns.length, maxItems: columns.length, description: names.join(', ') });
  const cells = Object.fromEntries(columns.map((column) => [column.name, cellOf(column)]));
  const lists = Object.fromEntries(columns.map((column) => [column.name, arrayOf(cellOf(column))]));
  const row: JsonSchema = { anyOf: [list, { ...objectOf({}, cells), additionalProperties: false }] };
  const split = objectOf({
    columns: arrayOf(STRING, { uniqueItems: true }),
    data: arrayOf(arrayOf({}), {
      minItems: 1,
      maxItems: MAX_ROWS,
      description: 'Rows of values in the order of columns.',
    }),
  });
  return {
    schema: { anyOf: [...oneOrManyRows(row), objectOf({ data: objectOf({}, lists) }), split] },
    example: [columns.map(sampleOf)],
    media: ['text/csv'],
    csv: `${names.map(toCell).join(',')}\n${columns.map(sampleOf).map(toCell).join(',')}\n`,
  };
};

const oneOrManyRows = (row: JsonSchema): JsonSchema[] => [row, arrayOf(row, { minItems: 1, maxItems: MAX_ROWS })];

/** By the name of a task. */
const INPUTS: Readonly<Record<string, (model: ModelFacts) => TaskInputs>> = {
  tensor: ({ signature, blanks }) => ({
    schema: tensorInputs(signature),
    example: tensorInputsExample(blanks),
    media: [],
  }),
  'image-classification': () => images,
  'object-detection': () => images,
  recommendation: () => ({
    schema: oneOrMany(QUERY, { maxItems: MAX_QUERIES }),
    example: { user: 'nobody', history: [] },
    media: [],
  }),
  'automatic-speech-recognition': () => audio,
  'tabular-classification': rows,
  'tabular-regression': rows,
  'token-classification': () => texts('Sarah lives in Zürich.'),
  'text-classification': () => texts('I love this phone.', { anyOf: [STRING, PAIR] }),
  'feature-extraction': () => {
    const { schema, ...others } = texts('A sentence.');
    return { ...others, schema: { anyOf: [schema, COMPARISON] } };
  },
  translation: () => texts('Hello'),
  summarization: () => texts('The weather is fine today, and we are going to the market.'),
  'text-generation': () => {
    const { schema, ...others } = texts('Once upon a time');
    return { ...others, schema: { anyOf: [schema, TOKENS] } };
  },
};

/** The inputs of a model; anything, for the task of an extension. @throws for settings that the task does not take */
export const inputsOf = (model: ModelFacts): TaskInputs =>
  INPUTS[model.task]?.(model) ?? { schema: {}, example: null, media: ['application/octet-stream'] };
