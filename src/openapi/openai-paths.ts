import type { DescribedModel } from './described-model.ts';
import { arrayOf, INTEGER, type JsonSchema, NUMBER, objectOf, oneOrMany, STRING } from './json-schema.ts';
import { jsonContent, type Operation, openAiPrediction } from './operations.ts';

const TAG = 'Server';

/** A name, which may be followed by an alias or a version. */
const modelField = (models: readonly DescribedModel[], task: string): JsonSchema => ({
  ...STRING,
  description: `\`name\`, \`name@alias\` or \`name/version\` of a model of the task ${task}.`,
  examples: models.filter((model) => model.task === task).map(({ name }) => name),
});

const embeddingsRequest = (models: readonly DescribedModel[]): JsonSchema =>
  objectOf(
    { model: modelField(models, 'feature-extraction'), input: oneOrMany(STRING) },
    {
      encoding_format: { enum: ['float', 'base64', null] },
      dimensions: { type: ['integer', 'null'], minimum: 1 },
      pooling: STRING,
      normalize: { type: 'boolean' },
      prompt_name: STRING,
    },
  );

const EMBEDDINGS = objectOf({
  object: { const: 'list' },
  data: arrayOf(
    objectOf({ object: { const: 'embedding' }, index: INTEGER, embedding: { anyOf: [arrayOf(NUMBER), STRING] } }),
  ),
  model: STRING,
  usage: objectOf({ prompt_tokens: INTEGER, total_tokens: INTEGER }),
});

const speechForm = (models: readonly DescribedModel[]): JsonSchema =>
  objectOf(
    {
      model: modelField(models, 'automatic-speech-recognition'),
      file: { ...STRING, contentMediaType: 'application/octet-stream', description: 'WAV, FLAC, MP3 or Ogg.' },
    },
    { language: STRING, response_format: { enum: ['json', 'text', 'srt', 'vtt', 'verbose_json'] } },
  );

const TRANSCRIPT = objectOf({ text: STRING }, { segments: arrayOf({ type: 'object' }), words: arrayOf({}) });

const TEXT = { schema: STRING };
const SPEECH_CONTENT = { ...jsonContent(TRANSCRIPT), 'text/plain': TEXT, 'text/vtt': TEXT };

const speech = (models: readonly DescribedModel[], summary: string, operationId: string): Operation => ({
  ...openAiPrediction(summary, TAG, operationId, SPEECH_CONTENT),
  requestBody: { required: true, content: { 'multipart/form-data': { schema: speechForm(models) } } },
});

/** Fields of both routes that have a model write text. */
const GENERATION: Readonly<Record<string, JsonSchema>> = {
  max_tokens: { type: ['integer', 'null'], minimum: 1 },
  temperature: { type: ['number', 'null'], minimum: 0, maximum: 2 },
  top_p: { type: ['number', 'null'], minimum: 0, maximum: 1 },
  n: { type: ['integer', 'null'], minimum: 1, maximum: 8 },
  seed: { type: ['integer', 'null'] },
  stop: oneOrMany(STRING),
  stream: { type: ['boolean', 'null'] },
};

const chatRequest = (models: readonly DescribedModel[]): JsonSchema =>
  objectOf(
    {
      model: modelField(models, 'text-generation'),
      messages: arrayOf(objectOf({ role: STRING }, { content: {}, tool_calls: arrayOf({ type: 'object' }) })),
    },
    { ...GENERATION, tools: arrayOf({ type: 'object' }) },
  );

const textRequest = (models: readonly DescribedModel[]): JsonSchema =>
  objectOf({ model: modelField(models, 'text-generation'), prompt: oneOrMany(STRING) }, GENERATION);

const COMPLETION = objectOf(
  { id: STRING, object: STRING, created: INTEGER, model: STRING, choices: arrayOf({ type: 'object' }) },
  { usage: { type: 'object' }, system_fingerprint: STRING },
);
const COMPLETION_CONTENT = { ...jsonContent(COMPLETION), 'text/event-stream': TEXT };

const completion = (summary: string, operationId: string, request: JsonSchema) => ({
  post: {
    ...openAiPrediction(summary, TAG, operationId, COMPLETION_CONTENT),
    requestBody: { required: true, content: jsonContent(request) },
  },
});

/** The paths of OpenAI's API, which name their model in the body. */
export const openAiPaths = (models: readonly DescribedModel[]): Readonly<Record<string, Operation>> => ({
  '/v1/chat/completions': completion('The answer to a conversation', 'chat', chatRequest(models)),
  '/v1/completions': completion('The continuation of a text', 'completeText', textRequest(models)),
  '/v1/embeddings': {
    post: {
      ...openAiPrediction("Vectors, as OpenAI's clients ask for them", TAG, 'embed', jsonContent(EMBEDDINGS)),
      requestBody: { required: true, content: jsonContent(embeddingsRequest(models)) },
    },
  },
  '/v1/audio/transcriptions': { post: speech(models, "Speech as text, for OpenAI's clients", 'transcribe') },
  '/v1/audio/translations': { post: speech(models, "Speech as English text, for OpenAI's clients", 'translateSpeech') },
});
