import { PARAMETERS } from '../tasks/text-generation/parameter-table.ts';
import type { DescribedModel } from './described-model.ts';
import { arrayOf, BOOLEAN, INTEGER, type JsonSchema, OBJECT, objectOf, oneOrMany, STRING } from './json-schema.ts';

/** A name, which may be followed by an alias or a version. */
export const modelField = (models: readonly DescribedModel[], task: string): JsonSchema => ({
  ...STRING,
  description: `\`name\`, \`name@alias\` or \`name/version\` of a model of the task ${task}.`,
  examples: models.filter((model) => model.task === task).map(({ name }) => name),
});

const COUNT: JsonSchema = { type: 'integer', minimum: 1 };

/** Null counts as left out. */
const orNull = ({ type, ...schema }: JsonSchema): JsonSchema => ({ ...schema, type: [type, 'null'] });

/** Fields of both routes that have a model write text. Parameters of the task keep its words and bounds. */
const GENERATION: Readonly<Record<string, JsonSchema>> = {
  max_tokens: orNull({
    ...COUNT,
    description: 'Most tokens of an answer. Default: as many as context and memory allow.',
  }),
  temperature: orNull({ ...PARAMETERS.temperature, maximum: 2 }),
  top_p: orNull(PARAMETERS.top_p),
  top_k: orNull(PARAMETERS.top_k),
  min_p: orNull(PARAMETERS.min_p),
  frequency_penalty: orNull(PARAMETERS.frequency_penalty),
  presence_penalty: orNull(PARAMETERS.presence_penalty),
  repetition_penalty: orNull(PARAMETERS.repetition_penalty),
  seed: orNull(PARAMETERS.seed),
  stop: { ...oneOrMany(STRING), description: PARAMETERS.stop.description },
  logit_bias: orNull({ ...OBJECT, description: PARAMETERS.logit_bias.description }),
  n: orNull({ ...COUNT, maximum: 8, description: 'Answers, one after the other.' }),
  cache_prompt: orNull(PARAMETERS.cache_prompt),
  response_format: orNull({ ...OBJECT, description: 'text, json_object or json_schema.' }),
  stream: orNull({ ...BOOLEAN, description: 'Answers with events. The URL of streams sends each as it comes.' }),
  stream_options: orNull(objectOf({}, { include_usage: BOOLEAN })),
};

const MESSAGE = objectOf(
  { role: { enum: ['system', 'developer', 'user', 'assistant', 'tool'] } },
  {
    content: { description: 'A text, or a list of parts of text.' },
    tool_calls: arrayOf(OBJECT),
    tool_call_id: STRING,
  },
);

/** The body of `POST /v1/chat/completions`. */
export const chatRequest = (models: readonly DescribedModel[]): JsonSchema =>
  objectOf(
    { model: modelField(models, 'text-generation'), messages: arrayOf(MESSAGE, { minItems: 1 }) },
    {
      ...GENERATION,
      max_completion_tokens: { ...GENERATION.max_tokens },
      logprobs: orNull({ ...BOOLEAN, description: 'Adds the log-probability of each token.' }),
      top_logprobs: orNull({ ...PARAMETERS.top_n_tokens }),
      tools: { type: ['array', 'null'], items: OBJECT, description: 'Functions that the answer may call.' },
      tool_choice: { description: 'auto, none, required or a function.' },
      parallel_tool_calls: orNull(BOOLEAN),
      chat_template_kwargs: orNull({ ...OBJECT, description: 'Variables of the template.' }),
    },
  );

/** The body of `POST /v1/completions`. */
export const textRequest = (models: readonly DescribedModel[]): JsonSchema =>
  objectOf(
    { model: modelField(models, 'text-generation'), prompt: oneOrMany(STRING) },
    {
      ...GENERATION,
      echo: orNull({ ...BOOLEAN, description: 'Puts the text before the answer.' }),
      logprobs: orNull({ ...PARAMETERS.top_n_tokens }),
      best_of: { enum: [1, null] },
      suffix: { enum: ['', null] },
    },
  );

const USAGE = objectOf(
  { prompt_tokens: INTEGER, completion_tokens: INTEGER, total_tokens: INTEGER },
  { prompt_tokens_details: objectOf({ cached_tokens: INTEGER }) },
);

/** The answer of both routes. A stream has its parts as events. */
export const COMPLETION = objectOf(
  { id: STRING, object: STRING, created: INTEGER, model: STRING, choices: arrayOf(OBJECT) },
  { usage: USAGE, system_fingerprint: STRING },
);
