import { pushChatModel } from './chat-model.ts';
import { JSON_SCHEMAS } from './json-schemas.ts';
import type { TestServing } from './serving.ts';
import { createCheck } from './validate-json.ts';

/** Models of random weights, the hardest case: vocabularies of sentencepiece and of GPT-2. */
export const CHAT_MODELS = { llama: 'tiny-llama', qwen: 'tiny-qwen2' };

export const pushChatModels = async ({ repository }: TestServing): Promise<void> => {
  for (const [name, model] of Object.entries(CHAT_MODELS)) await pushChatModel(repository, name, 'chatml', model);
};

/** An answer that ended before its tokens did. */
interface StructuredAnswer {
  readonly schema: string;
  readonly content: string;
  readonly reason: string;
  /** What does not fit the schema. */
  readonly fault: ReturnType<ReturnType<typeof createCheck>>;
}

/** Asks a chat model for JSON that fits each schema, at the temperatures for its index. */
export const answerSchemas = async (
  serving: TestServing,
  model: string,
  temperaturesOf: (index: number) => readonly number[],
): Promise<readonly StructuredAnswer[]> => {
  const answers: StructuredAnswer[] = [];
  for (const [index, [name, schema]] of Object.entries(JSON_SCHEMAS).entries())
    for (const temperature of temperaturesOf(index)) {
      const response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
      const body = JSON.stringify({
        ...{ model, temperature, response_format, messages: [{ role: 'user', content: 'Hello' }] },
        ...{ max_tokens: 150, seed: 5 },
      });
      const headers = { 'content-type': 'application/json' };
      const response = await serving.fetch('/v1/chat/completions', { method: 'POST', body, headers });
      const { message, finish_reason: reason } = Object(await response.json()).choices[0];
      if (reason === 'length') continue;
      const content = String(message.content);
      answers.push({ schema: name, content, reason, fault: createCheck(schema)(JSON.parse(content)) });
    }
  return answers;
};
