/** The cases of the bench as somebody answers them who takes @huggingface/transformers: one per line of stdin, answers to the descriptor 3. */
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { env, pipeline, RawImage } from '@huggingface/transformers';

env.allowRemoteModels = false;
const threads = { interOpNumThreads: 1, intraOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 4 };

const open = (task, folder, options = {}) => {
  env.localModelPath = `${path.dirname(folder)}/`;
  return pipeline(task, path.basename(folder), { dtype: 'fp32', subfolder: '', session_options: threads, ...options });
};

const bytesOf = ({ body, isBase64Encoded }) => Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');

/** Samples of WAV files of 16 bits with a header of 44 bytes. */
const samplesOf = (bytes) =>
  Float32Array.from({ length: (bytes.length - 44) / 2 }, (_, at) => bytes.readInt16LE(44 + 2 * at) / 32_768);

const TASKS = {
  'feature-extraction': async (folder) => {
    const extract = await open('feature-extraction', folder);
    return async (event) => {
      const vectors = await extract(JSON.parse(event.body).inputs, { pooling: 'mean', normalize: true });
      return vectors.tolist();
    };
  },
  'token-classification': async (folder) => {
    const classify = await open('token-classification', folder);
    return async (event) => classify(JSON.parse(event.body).inputs);
  },
  translation: async (folder) => {
    const translate = await open('translation', folder);
    return async (event) => {
      const { inputs, parameters } = JSON.parse(event.body);
      return translate(inputs, { max_new_tokens: parameters.max_new_tokens });
    };
  },
  'automatic-speech-recognition': async (folder, { max_new_tokens, language }) => {
    const transcribe = await open('automatic-speech-recognition', folder);
    return async (event) =>
      transcribe(samplesOf(bytesOf(event)), { language, task: 'transcribe', max_new_tokens: Number(max_new_tokens) });
  },
  'image-classification': async (folder) => {
    const classify = await open('image-classification', folder, { subfolder: 'onnx' });
    return async (event) => classify(await RawImage.fromBlob(new Blob([bytesOf(event)])), { top_k: 5 });
  },
};

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const opened = {};
for await (const name of createInterface({ input: process.stdin })) {
  const { task, folder, event, query } = cases[name];
  opened[name] ??= await TASKS[task](folder, query);
  const startMs = performance.now();
  const body = JSON.stringify(await opened[name](event));
  const ms = performance.now() - startMs;
  writeSync(3, `${JSON.stringify({ ms, answer: JSON.parse(body) })}\n`);
}
