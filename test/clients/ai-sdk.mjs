import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { check } from './check.ts';

/** `ai` with `@ai-sdk/openai-compatible`, unchanged. Usage: ai-sdk.mjs <endpoint> <s3 endpoint> <data bucket> <endpoint of streams> <folder of packages> */

const [endpoint, , , streams, packages] = process.argv.slice(2);
const load = createRequire(join(packages, 'package.json'));
const { embedMany, generateObject, generateText, jsonSchema, streamText, tool } = load('ai');
const { createOpenAICompatible } = load('@ai-sdk/openai-compatible');
const provider = createOpenAICompatible({ name: 'onnx', baseURL: `${streams}/v1`, includeUsage: true });
const whole = createOpenAICompatible({ name: 'onnx', baseURL: `${endpoint}/v1`, supportsStructuredOutputs: true });
const model = provider('chat');
const GREEDY = { model, prompt: 'Hello there', temperature: 0, maxOutputTokens: 8, maxRetries: 0 };

await check('generateText', async () => {
  const { text, finishReason, usage } = await generateText(GREEDY);
  assert.ok(text.length > 0);
  assert.equal(finishReason, 'length');
  assert.equal(usage.outputTokens, 8);
});

await check('streamText equals generateText', async () => {
  const { text } = await generateText(GREEDY);
  const result = streamText(GREEDY);
  const parts = [];
  for await (const part of result.textStream) parts.push(part);
  assert.equal(parts.join(''), text);
  assert.ok(parts.length > 1);
  assert.equal((await result.usage).outputTokens, 8);
});

await check('streamText, abortSignal', async () => {
  const controller = new AbortController();
  const result = streamText({ ...GREEDY, maxOutputTokens: 4_000, abortSignal: controller.signal, onError: () => {} });
  for await (const _ of result.textStream) controller.abort();
  assert.ok((await generateText(GREEDY)).text.length > 0); // the function answers one request at a time
});

await check('an error of a stream', async () => {
  const errors = [];
  const result = streamText({ ...GREEDY, model: provider('nobody'), onError: ({ error }) => errors.push(error) });
  await result.consumeStream();
  assert.match(String(errors[0]?.message), /nobody/);
});

await check('embedMany', async () => {
  const { embeddings, usage } = await embedMany({
    model: whole.textEmbeddingModel('tiny-bert-sentences'),
    values: ['A sentence.', 'Another one.'],
  });
  assert.equal(embeddings.length, 2);
  assert.ok(usage.tokens > 0);
});

const OK = jsonSchema({ type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] });

await check('generateObject', async () => {
  const { object } = await generateObject({ ...GREEDY, model: whole('chat'), maxOutputTokens: 200, schema: OK });
  assert.equal(typeof object.ok, 'boolean');
});

await check('toolChoice, required', async () => {
  const tools = { answer: tool({ description: 'Answers', inputSchema: OK }) };
  const asked = { ...GREEDY, model: provider('tools'), maxOutputTokens: 200, tools, toolChoice: 'required' };
  const { toolCalls } = await generateText(asked);
  assert.equal(toolCalls[0].toolName, 'answer');
  assert.equal(typeof toolCalls[0].input.ok, 'boolean');
});
