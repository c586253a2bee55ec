import type { DescribedModel } from './described-model.ts';
import { arrayOf, INTEGER, type JsonSchema, NUMBER, OBJECT, objectOf, oneOrMany, STRING } from './json-schema.ts';
import { COMPLETION, chatRequest, modelField, textRequest } from './openai-generation.ts';
import { jsonContent, type Operation, openAiPrediction } from './operations.ts';

const TAG = 'Server';

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

const TRANSCRIPT = objectOf({ text: STRING }, { segments: arrayOf(OBJECT), words: arrayOf({}) });

const TEXT = { schema: STRING };
const SPEECH_CONTENT = { ...jsonContent(TRANSCRIPT), 'text/plain': TEXT, 'text/vtt': TEXT };

const speech = (models: readonly DescribedModel[], summary: string, operationId: string): Operation => ({
  ...openAiPrediction(summary, TAG, operationId, SPEECH_CONTENT),
  requestBody: { required: true, content: { 'multipart/form-data': { schema: speechForm(models) } } },
});

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
