import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { InferenceClient } from '@huggingface/inference';
import { check } from './check.ts';

/** @huggingface/inference, every task that it has in common with the project. Usage: huggingface.ts <endpoint> */

const [endpoint = ''] = process.argv.slice(2);
const PHOTO = new Blob([await readFile('models/efficientnet-lite0/samples/coffee.jpg')], { type: 'image/jpeg' });
const SPEECH = new Blob([await readFile('test/fixtures/audio/pcm-16.wav')], { type: 'audio/wav' });

const on = (model: string) => new InferenceClient(undefined, { endpointUrl: `${endpoint}/models/${model}` });

await check('textClassification', async () => {
  const [best] = await on('sentiment').textClassification({ inputs: 'I love this phone.' });
  assert.equal(best?.label, 'POSITIVE');
});

await check('textClassification, top_k and function_to_apply', async () => {
  const parameters = { top_k: 1, function_to_apply: 'none' } as const;
  const labels = await on('sentiment').textClassification({ inputs: 'I love this phone.', parameters });
  assert.equal(labels.length, 1);
  assert.ok((labels[0]?.score ?? 0) > 1);
});

await check('tokenClassification, aggregation_strategy', async () => {
  const inputs = 'Sarah lives in Zürich';
  for (const aggregation_strategy of ['simple', 'first', 'average', 'max'] as const) {
    const entities = await on('tiny-bert-ner').tokenClassification({ inputs, parameters: { aggregation_strategy } });
    for (const { entity_group, start } of entities)
      assert.deepEqual([typeof entity_group, typeof start], ['string', 'number']);
  }
});

await check('featureExtraction', async () => {
  const vectors = await on('tiny-bert-sentences').featureExtraction({ inputs: ['A sentence.', 'Another one.'] });
  assert.equal(vectors.length, 2);
});

await check('sentenceSimilarity', async () => {
  const inputs = { source_sentence: 'A sentence.', sentences: ['A sentence.', 'Another one.'] };
  const [same = 0, other = 1] = await on('tiny-bert-sentences').sentenceSimilarity({ inputs });
  assert.ok(Math.abs(same - 1) < 1e-4 && other < 1);
});

await check('imageClassification', async () => {
  const [best] = await on('efficientnet-lite0').imageClassification({ inputs: PHOTO });
  assert.equal(best?.label, 'espresso');
});

await check('imageClassification, data', async () => {
  const [best] = await on('efficientnet-lite0').imageClassification({ data: PHOTO });
  assert.equal(best?.label, 'espresso');
});

await check('objectDetection', async () => {
  const boxes = await on('tiny-detr').objectDetection({ inputs: PHOTO, parameters: { threshold: 0 } });
  for (const { box } of boxes) assert.ok(box.xmin <= box.xmax && box.ymin <= box.ymax);
});

await check('automaticSpeechRecognition', async () => {
  const { text } = await on('tiny-wav2vec2').automaticSpeechRecognition({ inputs: SPEECH });
  assert.equal(typeof text, 'string');
});

await check('translation', async () => {
  const answer = await on('tiny-marian').translation({ inputs: 'Hello' });
  assert.ok('translation_text' in answer);
});

await check('translation, truncation and generate_parameters', async () => {
  const parameters = { truncation: 'longest_first', generate_parameters: { max_new_tokens: 2 } } as const;
  await on('tiny-marian').translation({ inputs: 'Hello', parameters });
});

await check('summarization, truncation and generate_parameters', async () => {
  const inputs = 'The river rises in spring when the snow melts.';
  const parameters = { truncation: 'longest_first', generate_parameters: { max_length: 4, min_length: 2 } } as const;
  const { summary_text: short } = await on('tiny-bart').summarization({ inputs, parameters });
  const { summary_text: whole } = await on('tiny-bart').summarization({ inputs });
  assert.ok(short.length < whole.length);
});

/** This client speaks OpenAI's API to models that generate text. */
const openAi = new InferenceClient(undefined, { endpointUrl: `${endpoint}/v1` });

await check('textGeneration, as the task itself answers', async () => {
  const parameters = { max_new_tokens: 4, temperature: 0 };
  const { generated_text } = await openAi.textGeneration({ model: 'tiny-llama', inputs: 'Hello', parameters });
  const response = await fetch(`${endpoint}/models/tiny-llama`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ inputs: 'Hello', parameters }),
  });
  assert.deepEqual(await response.json(), [{ generated_text }]);
});

await check('chatCompletion and textGeneration, by the address of the model', async () => {
  const messages = [{ role: 'user', content: 'Hello' }];
  const { choices } = await on('chat').chatCompletion({ messages, max_tokens: 4 });
  assert.equal(typeof choices[0]?.message.content, 'string');
  const parameters = { max_new_tokens: 4 };
  const { generated_text } = await on('tiny-llama').textGeneration({ inputs: 'Hello', parameters });
  assert.equal(typeof generated_text, 'string');
});

await check('chatCompletion, json_schema', async () => {
  const json_schema = { name: 'answer', schema: { enum: ['yes', 'no'] } };
  const { choices } = await openAi.chatCompletion({
    ...{ model: 'chat', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 40 },
    response_format: { type: 'json_schema', json_schema },
  });
  assert.match(choices[0]?.message.content ?? '', /^"(yes|no)"$/);
});

await check('an unknown parameter is refused', async () => {
  const parameters = { nothing: 1 };
  await assert.rejects(on('sentiment').textClassification({ inputs: 'a', parameters }), /nothing|Failed|400/);
});
