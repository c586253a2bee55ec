/** Generates tokens with transformers.js: a line of JSON {prompt, tokens} in, one {ms, ids} out, in milliseconds a token, with the prompt. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers';

const [, , folder] = process.argv;
env.allowRemoteModels = false;
env.localModelPath = path.dirname(folder);
const model = await AutoModelForCausalLM.from_pretrained(path.basename(folder), {
  dtype: 'fp32', // the name of the file, model.onnx
  subfolder: '',
  session_options: { interOpNumThreads: 1, intraOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 4 },
});

for await (const line of createInterface({ input: process.stdin })) {
  const { prompt, tokens } = JSON.parse(line);
  const shape = [1, prompt.length];
  const input_ids = new Tensor('int64', BigInt64Array.from(prompt, BigInt), shape);
  const attention_mask = new Tensor('int64', new BigInt64Array(prompt.length).fill(1n), shape);
  const limits = { max_new_tokens: tokens, min_new_tokens: tokens, do_sample: false };
  const startMs = performance.now();
  const output = await model.generate({ input_ids, attention_mask, ...limits });
  const ms = (performance.now() - startMs) / tokens;
  console.log(JSON.stringify({ ms, ids: Array.from(output.data, Number).slice(prompt.length) }));
}
