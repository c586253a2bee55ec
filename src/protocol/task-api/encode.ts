import type { Answer } from '../../core/answer.ts';
import { formatInferResponse, type Responder } from '../open-inference/infer-response.ts';

/** The body of a response, with its media type. */
export interface EncodedAnswer {
  readonly body: string | Uint8Array;
  readonly contentType: string;
}

const JSON_TYPE = 'application/json';

/** An answer as JSON text: tensors as the Open Inference Protocol writes them, bytes as `{"contentType", "base64"}`. */
export const toJsonText = (answer: Answer, responder: Responder): string => {
  if (answer.kind === 'json') return JSON.stringify(answer.value);
  if (answer.kind === 'tensors') return formatInferResponse({ ...answer, binary: new Set() }, responder).json;
  const { contentType, data } = answer;
  return JSON.stringify({ contentType, base64: Buffer.from(data).toString('base64') });
};

/** An answer of the task API: bytes as they are, anything else as JSON. */
export const encodeAnswer = (answer: Answer, responder: Responder): EncodedAnswer =>
  answer.kind === 'bytes'
    ? { body: answer.data, contentType: answer.contentType }
    : { body: toJsonText(answer, responder), contentType: JSON_TYPE };
