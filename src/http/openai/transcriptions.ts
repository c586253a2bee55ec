import { jsonValueOf, usageOf } from '../../core/answer.ts';
import {
  encodeTranscript,
  parseTranscriptionRequest,
  type TranscriptionRequest,
  toSpeechParameters,
} from '../../protocol/openai/transcription.ts';
import { predict } from '../../serving/predict.ts';
import { type Serving, single } from '../../serving/serving.ts';
import type { HttpResponse } from '../message.ts';
import { type Exchange, predictionHeaders } from '../route.ts';
import { readForm } from './form.ts';
import { routeNamed } from './named-model.ts';

/** Clients guess the type of a file by its name. The task looks at the bytes. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** `POST /v1/audio/transcriptions` and `/v1/audio/translations`, by a model of the task automatic-speech-recognition. */
export const transcribe = async (
  serving: Serving,
  exchange: Exchange,
  task: TranscriptionRequest['task'],
): Promise<HttpResponse> => {
  const request = parseTranscriptionRequest(await readForm(exchange.request), task);
  const call = await routeNamed(serving, exchange, request.model, 'automatic-speech-recognition');
  const { settings } = call.routed;
  const payload = {
    inputs: request.file,
    contentType: UNKNOWN_TYPE,
    parameters: toSpeechParameters(request, settings),
  };
  const prediction = await predict(serving, { ...call, payloads: [async () => payload] });
  const answer = single(prediction);
  const { body, contentType } = encodeTranscript(jsonValueOf(answer), usageOf(answer), request, settings);
  exchange.observation.stopwatch.lap('encode');
  const headers = { 'content-type': contentType, ...predictionHeaders(prediction) };
  return { status: 200, headers, body };
};
