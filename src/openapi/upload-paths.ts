import { MAX_INPUT_BYTES } from '../protocol/task-api/object-reference.ts';
import { errorsOf } from './errors.ts';
import { BOOLEAN, INTEGER, type JsonSchema, objectOf, reference, STRING } from './json-schema.ts';
import { jsonContent, type Operation } from './operations.ts';

const UPLOAD_REQUEST: JsonSchema = {
  ...objectOf(
    {
      model: { ...STRING, description: 'The model that the object is for.' },
      name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', description: 'The name of the file.' },
      sizeBytes: { type: 'integer', minimum: 1, maximum: MAX_INPUT_BYTES },
    },
    {
      contentType: { type: 'string', default: 'application/octet-stream' },
      sha256: { type: 'string', pattern: '^[0-9a-fA-F]{64}$', description: 'S3 then refuses other bytes.' },
      predict: { ...BOOLEAN, default: false, description: 'The object is predicted as it comes.' },
    },
  ),
  additionalProperties: false,
};

const UPLOAD = objectOf(
  {
    s3: { ...STRING, description: 'What {"inputs": {"s3": …}} names.' },
    method: { const: 'PUT' },
    url: STRING,
    headers: { type: 'object', additionalProperties: STRING, description: 'The request to the URL has to have them.' },
    expires: STRING,
  },
  { resultUrl: { ...STRING, description: 'Answers 404 until the object is predicted.' } },
);

export const UPLOAD_PATHS: Readonly<Record<string, Operation>> = {
  '/uploads': {
    post: {
      ...{ operationId: 'createUpload', summary: 'A URL that takes what exceeds a request', tags: ['Server'] },
      requestBody: { required: true, content: jsonContent(UPLOAD_REQUEST) },
      responses: {
        201: { description: 'The URL, for a quarter of an hour.', content: jsonContent(UPLOAD) },
        ...errorsOf('question'),
        415: reference('responses', 'Error415'),
      },
    },
  },
};

/** The answer to a request with `output`. */
export const STORED = {
  description: 'The answer was written to its place.',
  content: jsonContent(
    objectOf({
      output: objectOf({ s3: STRING, contentType: STRING, sizeBytes: INTEGER }, { url: STRING, expires: STRING }),
    }),
  ),
};
