import { arrayOf, BOOLEAN, INTEGER, type JsonSchema, NUMBER, objectOf, reference, STRING } from './json-schema.ts';
import { jsonContent, type Operation, question, withAnswer } from './operations.ts';

/** A word on a prediction: one of `label`, `value` and `correct`. */
const FEEDBACK: JsonSchema = {
  ...objectOf(
    { id: { ...STRING, description: 'The x-prediction-id of the answer.' } },
    {
      row: { type: 'integer', minimum: 0, default: 0, description: 'The place of the input in its request.' },
      label: { type: 'string', minLength: 1, maxLength: 1_000 },
      value: NUMBER,
      correct: BOOLEAN,
      time: { type: ['string', 'number'], description: 'ISO 8601, or seconds since 1970.' },
    },
  ),
  additionalProperties: false,
};

const TAKEN = objectOf({
  accepted: INTEGER,
  refused: INTEGER,
  problems: arrayOf(objectOf({ line: INTEGER, problem: STRING })),
});

const feedback = (summary: string, operationId: string): Operation => ({
  ...[415, 422].reduce(
    (operation, status) => withAnswer(operation, status, reference('responses', `Error${status}`)),
    question(summary, 'Server', operationId, TAKEN),
  ),
  requestBody: {
    required: true,
    content: {
      ...jsonContent({ anyOf: [FEEDBACK, arrayOf(FEEDBACK)] }),
      'application/jsonl': { schema: { type: 'string', description: 'A document on each line.' } },
    },
  },
});

export const FEEDBACK_PATHS: Readonly<Record<string, Operation>> = {
  '/feedback': { post: feedback('Takes the right answers to predictions', 'giveFeedback') },
};

export const MODEL_FEEDBACK_PATHS: Readonly<Record<string, Operation>> = {
  '/models/{name}/feedback': {
    parameters: [reference('parameters', 'Model')],
    post: feedback('Takes the right answers to predictions of a model', 'giveFeedbackModel'),
  },
};
