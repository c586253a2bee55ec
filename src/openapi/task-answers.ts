import * as v from 'valibot';
import type { DescribedModel } from './described-model.ts';
import {
  arrayOf,
  BOOLEAN,
  INTEGER,
  type JsonSchema,
  NUMBER,
  OBJECT,
  objectOf,
  oneOrMany,
  STRING,
} from './json-schema.ts';
import { INFER_RESPONSE } from './tensors.ts';

/** The labels of a model that has them in its settings. */
export const labelsOf = ({ settings }: DescribedModel): readonly string[] =>
  v.is(v.array(v.string()), settings.labels) ? settings.labels : [];

/** Labels that a schema lists; more of them would be most of the document. */
const MOST_LABELS = 100;

const labelOf = (model: DescribedModel): JsonSchema => {
  const labels = labelsOf(model);
  return labels.length > 0 && labels.length <= MOST_LABELS ? { enum: labels } : STRING;
};

const scored = (model: DescribedModel): JsonSchema =>
  objectOf({ label: labelOf(model), score: NUMBER }, { truncated: { const: true } });

const BOX = objectOf({ xmin: INTEGER, ymin: INTEGER, xmax: INTEGER, ymax: INTEGER });

const ENTITY = objectOf(
  { score: NUMBER, word: STRING, start: INTEGER, end: INTEGER },
  { entity: STRING, entity_group: STRING, index: INTEGER },
);

const CHUNK = objectOf(
  { text: STRING },
  {
    timestamp: arrayOf({ type: ['number', 'null'] }, { minItems: 2, maxItems: 2, description: 'Seconds' }),
    language: { type: ['string', 'null'] },
  },
);

const ROW_LABEL = objectOf({ label: STRING }, { score: NUMBER, predicted: BOOLEAN });

const RECOMMENDATIONS = objectOf(
  { ranked_by: { enum: ['model', 'popularity'] }, items: arrayOf(objectOf({ id: STRING, score: NUMBER })) },
  { reason: STRING },
);

const VECTOR = arrayOf(NUMBER);

/** Answers by the name of a task; of one input, and of a list of inputs. */
const ANSWERS: Readonly<Record<string, (model: DescribedModel) => JsonSchema>> = {
  tensor: () => INFER_RESPONSE,
  'image-classification': (model) => oneOrMany(arrayOf(scored(model))),
  'object-detection': (model) => oneOrMany(arrayOf(objectOf({ label: labelOf(model), score: NUMBER, box: BOX }))),
  recommendation: () => oneOrMany(RECOMMENDATIONS),
  'automatic-speech-recognition': () => oneOrMany(objectOf({ text: STRING }, { chunks: arrayOf(CHUNK) })),
  'tabular-classification': () =>
    arrayOf({ anyOf: [arrayOf(ROW_LABEL), arrayOf(arrayOf(ROW_LABEL)), STRING, arrayOf(STRING), NUMBER, VECTOR] }),
  'tabular-regression': () => arrayOf({ anyOf: [NUMBER, VECTOR] }),
  'token-classification': () => oneOrMany(arrayOf(ENTITY)),
  'text-classification': (model) => arrayOf(arrayOf(scored(model))),
  'feature-extraction': () => arrayOf({ anyOf: [NUMBER, VECTOR, arrayOf(VECTOR)] }),
  'text-generation': () => arrayOf(objectOf({ generated_text: STRING }, { details: OBJECT })),
  summarization: () => arrayOf(objectOf({ summary_text: STRING }, { truncated: { const: true } })),
  translation: () => arrayOf(objectOf({ translation_text: STRING }, { truncated: { const: true } })),
};

/** The answer of a model; anything, for the task of an extension. */
export const answerOf = (model: DescribedModel): JsonSchema => ANSWERS[model.task]?.(model) ?? {};
