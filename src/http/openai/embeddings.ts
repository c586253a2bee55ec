import { jsonValueOf, usageOf } from '../../core/answer.ts';
import { parseJsonBody } from '../../protocol/json.ts';
import { parseEmbeddingsRequest, toEmbeddings } from '../../protocol/openai/embeddings.ts';
import { predict } from '../../serving/predict.ts';
import { type Serving, single } from '../../serving/serving.ts';
import { type HttpResponse, jsonResponse } from '../message.ts';
import { type Exchange, predictionHeaders } from '../route.ts';
import { routeNamed } from './named-model.ts';

/** `POST /v1/embeddings`: the vectors of texts, by a model of the task feature-extraction. */
export const embed = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const request = parseEmbeddingsRequest(parseJsonBody(await exchange.request.readBody()));
  const { inputs, parameters } = request;
  const call = await routeNamed(serving, exchange, request.model, 'feature-extraction');
  const prediction = await predict(serving, { ...call, payloads: [async () => ({ inputs, parameters })] });
  const answer = single(prediction);
  const document = toEmbeddings(jsonValueOf(answer), usageOf(answer), call.model, request);
  const headers = predictionHeaders(prediction);
  const response = jsonResponse(JSON.stringify(document), { headers });
  exchange.observation.stopwatch.lap('encode');
  return response;
};
