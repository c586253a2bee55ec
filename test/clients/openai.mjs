import { strict as assert } from 'node:assert';
import { createReadStream } from 'node:fs';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { check } from './check.ts';

/** openai of npm, unchanged. Usage: openai.mjs <endpoint> <s3 endpoint> <data bucket> <endpoint of streams> <folder of packages> */

const [endpoint, , , streams, packages] = process.argv.slice(2);
const { default: OpenAI, toFile } = createRequire(join(packages, 'package.json'))('openai');
const whole = new OpenAI({ baseURL: `${endpoint}/v1`, apiKey: 'none', maxRetries: 0 });
const client = new OpenAI({ baseURL: `${streams}/v1`, apiKey: 'none', maxRetries: 0 });
const HELLO = [{ role: 'user', content: 'Hello there' }];
const GREEDY = { model: 'chat', messages: HELLO, temperature: 0, max_tokens: 8 };
/** The end token of the model never comes. */
const LONG = { ...GREEDY, max_tokens: 4_000, logit_bias: { 2: -100 } };
const SPEECH = 'test/fixtures/audio/pcm-16.wav';

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
const textOf = (chunks) => chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('');
const refusal = (promise) =>
  promise.then(
    () => assert.fail('it was answered'),
    (error) => error,
  );

await check('chat.completions.create', async () => {
  const { choices, usage } = await client.chat.completions.create(GREEDY);
  assert.equal(choices[0].finish_reason, 'length');
  assert.equal(usage.total_tokens, usage.prompt_tokens + 8);
});

await check('chat.completions.create, stream, equals the answer in one piece', async () => {
  const { choices } = await whole.chat.completions.create(GREEDY);
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await collect(await client.chat.completions.create({ ...GREEDY, ...options }));
  assert.equal(textOf(chunks), choices[0].message.content);
  assert.ok(chunks.length >= 4);
  assert.equal(chunks.at(-1).usage.completion_tokens, 8);
  assert.equal(textOf(await collect(await whole.chat.completions.create({ ...GREEDY, stream: true }))), textOf(chunks));
});

await check('chat.completions.stream', async () => {
  const completion = await client.chat.completions.stream(GREEDY).finalChatCompletion();
  assert.equal(completion.choices[0].finish_reason, 'length');
});

await check('the first chunk comes before the last one is made', async () => {
  const stream = await client.chat.completions.create({ ...LONG, stream: true });
  let chunks = 0;
  for await (const _ of stream) {
    chunks += 1;
    if (chunks === 5) break; // ends the connection; 4,000 tokens would take until long after this check
  }
  assert.equal(chunks, 5);
});

await check('a stream that is aborted frees the model', async () => {
  const stream = await client.chat.completions.create({ ...LONG, stream: true });
  for await (const _ of stream) stream.controller.abort();
  const { choices } = await client.chat.completions.create(GREEDY); // the function answers one request at a time
  assert.equal(choices.length, 1);
});

await check('logprobs, n and seed', async () => {
  const ask = () =>
    client.chat.completions.create({ ...GREEDY, temperature: 1, n: 2, seed: 3, logprobs: true, top_logprobs: 2 });
  const [{ choices }, again] = [await ask(), await ask()];
  assert.deepEqual(again.choices, choices);
  assert.equal(choices[1].logprobs.content[0].top_logprobs.length, 2);
});

await check('tools are taken, and the answer has a reason to end', async () => {
  const tools = [{ type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } }];
  const { choices } = await client.chat.completions.create({ ...GREEDY, model: 'tools', tools });
  assert.ok(['length', 'stop', 'tool_calls'].includes(choices[0].finish_reason));
});

await check('response_format, json_schema and json_object', async () => {
  const schema = {
    type: 'object',
    properties: { ok: { type: 'boolean' } },
    required: ['ok'],
    additionalProperties: false,
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
  const completion = await client.chat.completions.parse({ ...GREEDY, max_tokens: 200, response_format });
  assert.equal(typeof JSON.parse(completion.choices[0].message.content).ok, 'boolean');
  const object = await client.chat.completions.create({ ...GREEDY, response_format: { type: 'json_object' } });
  assert.equal(object.choices[0].message.content[0], '{');
});

await check('tool_choice makes the model call', async () => {
  const parameters = { type: 'object', properties: { zone: { enum: ['CET', 'UTC'] } }, required: ['zone'] };
  const tools = [{ type: 'function', function: { name: 'clock', parameters } }];
  const asked = { ...GREEDY, model: 'tools', max_tokens: 200, tools, tool_choice: 'required' };
  const { choices } = await client.chat.completions.stream(asked).finalChatCompletion();
  const [call] = choices[0].message.tool_calls;
  assert.equal(call.function.name, 'clock');
  assert.ok(['CET', 'UTC'].includes(JSON.parse(call.function.arguments).zone));
});

await check('completions.create', async () => {
  const { choices } = await client.completions.create({ model: 'chat', prompt: ['Once', 'Twice'], max_tokens: 4 });
  assert.equal(choices.length, 2);
});

await check('embeddings.create, as base64 and as numbers', async () => {
  const ask = { model: 'tiny-bert-sentences', input: ['A sentence.', 'Another one.'] };
  const [packed, plain] = [
    await whole.embeddings.create(ask),
    await whole.embeddings.create({ ...ask, encoding_format: 'float' }),
  ];
  assert.deepEqual(
    packed.data.map(({ embedding }) => [...embedding].map(Math.fround)),
    plain.data.map(({ embedding }) => embedding.map(Math.fround)),
  );
  const [{ embedding }] = (await whole.embeddings.create({ ...ask, input: 'a', dimensions: 4 })).data;
  assert.equal(embedding.length, 4);
});

await check('audio.transcriptions.create, each format', async () => {
  const { text } = await whole.audio.transcriptions.create({ model: 'tiny-wav2vec2', file: createReadStream(SPEECH) });
  assert.equal(typeof text, 'string');
  for (const response_format of ['text', 'srt', 'vtt', 'verbose_json']) {
    const file = await toFile(createReadStream(SPEECH), 'speech.wav');
    const answer = await whole.audio.transcriptions.create({ model: 'tiny-whisper', file, response_format });
    assert.equal(typeof answer, response_format === 'verbose_json' ? 'object' : 'string');
  }
});

await check('audio.translations.create', async () => {
  const { text } = await whole.audio.translations.create({ model: 'tiny-whisper', file: createReadStream(SPEECH) });
  assert.equal(typeof text, 'string');
});

await check('models.list and models.retrieve', async () => {
  const names = (await collect(whole.models.list())).map(({ id }) => id);
  assert.ok(names.includes('chat') && names.includes('iris'));
  assert.equal((await whole.models.retrieve('chat/1')).id, 'chat/1');
});

await check('errors', async () => {
  const missing = await refusal(client.chat.completions.create({ ...GREEDY, model: 'nobody' }));
  assert.ok(missing instanceof OpenAI.NotFoundError && missing.code === 'model_not_found' && missing.requestID);
  const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }];
  const unread = await refusal(client.chat.completions.create({ ...GREEDY, messages: image, stream: true }));
  assert.ok(unread instanceof OpenAI.UnprocessableEntityError && /text alone/.test(unread.message));
  const wrong = await refusal(client.chat.completions.create({ ...GREEDY, temperature: -1 }));
  assert.ok(wrong instanceof OpenAI.BadRequestError && /temperature/.test(wrong.message));
  assert.ok((await refusal(whole.models.retrieve('nobody'))) instanceof OpenAI.NotFoundError);
});

await check('a client tries again after 503', async () => {
  let calls = 0;
  const server = createServer((incoming, outgoing) => {
    calls += 1;
    if (calls === 1) return incoming.resume() && outgoing.writeHead(503, { 'retry-after': '0' }).end('{}');
    const { method, headers, url } = incoming;
    const forwarded = request(
      new URL(url, streams),
      { method, headers: { ...headers, host: new URL(streams).host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
      },
    );
    return incoming.pipe(forwarded);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
  const { choices } = await new OpenAI({ baseURL, apiKey: 'none', maxRetries: 1 }).chat.completions.create(GREEDY);
  server.close();
  assert.equal(choices.length, 1);
  assert.equal(calls, 2);
});
