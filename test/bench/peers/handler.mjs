/** The function that somebody writes who takes @huggingface/transformers: the same event, the same model, from local files. */
import { fileURLToPath } from 'node:url';
import { env, pipeline, RawImage } from '@huggingface/transformers';

env.allowRemoteModels = false;
env.localModelPath = process.env.PEER_MODELS ?? fileURLToPath(new URL('../../../models/', import.meta.url));

const classify = await pipeline('image-classification', 'efficientnet-lite0', {
  dtype: 'fp32',
  session_options: { interOpNumThreads: 1, intraOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 4 },
});

export const handler = async ({ body, isBase64Encoded }) => {
  const image = await RawImage.fromBlob(new Blob([Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')]));
  const labels = await classify(image, { top_k: 5 });
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(labels) };
};
