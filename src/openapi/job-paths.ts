import { arrayOf, INTEGER, type JsonSchema, OBJECT, objectOf, STRING } from './json-schema.ts';
import { type Operation, question, withAnswer } from './operations.ts';

const TAG = 'Server';

/** The description of a job. */
export const JOB: JsonSchema = objectOf(
  {
    id: STRING,
    status: { enum: ['queued', 'running', 'succeeded', 'failed', 'cancelled'] },
    model: STRING,
    version: INTEGER,
    created: STRING,
  },
  {
    started: STRING,
    ended: STRING,
    progress: objectOf({ done: INTEGER, total: INTEGER }),
    attempts: INTEGER,
    result: {},
    resultUrl: STRING,
    resultContentType: STRING,
    error: OBJECT,
    truncatedInputs: arrayOf(INTEGER),
    webhook: OBJECT,
  },
);

const LIMITS = [
  { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 } },
  { name: 'before', in: 'query', description: 'Jobs older than this one.', schema: STRING },
];

const ID = { name: 'id', in: 'path', required: true, description: 'The id of a job.', schema: STRING };

/** Jobs that `POST /models/{name}` with `Prefer: respond-async` makes. */
export const JOB_PATHS: Readonly<Record<string, Operation>> = {
  '/jobs': {
    get: {
      ...question("The caller's own jobs, the newest first", TAG, 'listJobs', objectOf({ jobs: arrayOf(JOB) })),
      parameters: LIMITS,
    },
  },
  '/jobs/{id}': {
    parameters: [ID],
    get: withAnswer(question('A job, and its answer', TAG, 'getJob', JOB), 304, {
      description: 'The job is as it was, by the header if-none-match.',
    }),
    delete: withAnswer(question('Cancels a job', TAG, 'cancelJob', JOB), 409, {
      $ref: '#/components/responses/Error409',
    }),
  },
};
