import { resumedStream } from '../../core/stream.ts';
import { sumUsages } from '../../core/usage.ts';
import { parseJsonBody } from '../../protocol/json.ts';
import { CHAT, type CompletionRequest, parseChatRequest } from '../../protocol/openai/chat-completion.ts';
import {
  type Before,
  behind,
  type CompletionFormat,
  createHead,
  type Head,
  LAST_EVENT,
  NOTHING_BEFORE,
  toCompletion,
  toCompletionChunk,
} from '../../protocol/openai/completion-format.ts';
import { type Delta, deltasOf, joinDeltas, toOpenAiUsage } from '../../protocol/openai/deltas.ts';
import { parseTextRequest, TEXT } from '../../protocol/openai/text-completion.ts';
import { createToolParser, plainParser } from '../../protocol/openai/tool-calls.ts';
import { EVENT_STREAM_TYPE, toEvent } from '../../protocol/task-api/event-stream.ts';
import type { Serving } from '../../serving/serving.ts';
import { openStream } from '../../serving/stream.ts';
import { type HttpResponse, jsonResponse } from '../message.ts';
import type { Exchange } from '../route.ts';
import { type NamedCall, routeNamed } from './named-model.ts';

/** A part of one of the choices. */
interface ChoiceDelta {
  readonly index: number;
  readonly delta: Delta;
}

/** The parts of all choices, which the model writes one after the other. */
async function* choiceDeltas(
  serving: Serving,
  call: NamedCall,
  { choices, toolNames }: CompletionRequest,
): AsyncGenerator<ChoiceDelta, undefined> {
  const usages: Delta['end'][] = [];
  for (const [index, { inputs, parameters, echo }] of choices.entries()) {
    const streamed = await openStream(serving, { ...call, payloads: [async () => ({ inputs, parameters })] });
    if (streamed === undefined) return;
    if (echo !== undefined) yield { index, delta: { content: echo, calls: [], logprobs: [] } };
    for await (const delta of deltasOf(
      streamed.chunks,
      toolNames.length > 0 ? createToolParser(toolNames) : plainParser,
    )) {
      if (delta.end) usages.push(delta.end);
      call.observation.usage = sumUsages(usages.flatMap((end) => (end ? [end.usage] : [])));
      yield { index, delta };
    }
  }
}

const toChoice = (index: number, choice: object) => ({ index, ...choice });

/** The events of a stream. */
async function* eventsOf(
  deltas: AsyncIterable<ChoiceDelta>,
  format: CompletionFormat,
  head: Head,
  { includesUsage, prompts }: CompletionRequest,
): AsyncGenerator<Uint8Array, undefined> {
  const none = includesUsage ? null : undefined;
  const toBytes = (index: number, choice: object) =>
    toEvent(toCompletionChunk(format, head, [toChoice(index, choice)], none));
  const parts = new Map<number, Before>();
  const usages: NonNullable<Delta['end']>['usage'][] = [];
  for await (const { index, delta } of deltas) {
    const before = parts.get(index);
    const first = before === undefined ? format.toFirst() : undefined;
    if (first) yield toBytes(index, first);
    for (const chunk of format.toChunks(delta, before ?? NOTHING_BEFORE)) yield toBytes(index, chunk);
    parts.set(index, behind(before ?? NOTHING_BEFORE, delta));
    if (delta.end) usages.push(delta.end.usage);
  }
  if (includesUsage) yield toEvent(toCompletionChunk(format, head, [], toOpenAiUsage(usages, prompts)));
  yield LAST_EVENT;
}

const whole = async (
  deltas: AsyncIterable<ChoiceDelta>,
  format: CompletionFormat,
  head: Head,
  { choices, prompts }: CompletionRequest,
): Promise<string> => {
  const parts = choices.map((): Delta[] => []);
  for await (const { index, delta } of deltas) parts[index]?.push(delta);
  return JSON.stringify(toCompletion(format, head, parts.map(joinDeltas), prompts));
};

/** Has a model of the task text-generation write an answer, whole or event by event. An error before the first part has a status. */
const complete = async (
  serving: Serving,
  exchange: Exchange,
  request: CompletionRequest,
  format: CompletionFormat,
): Promise<HttpResponse> => {
  const call = await routeNamed(serving, exchange, request.model, 'text-generation');
  const head = createHead(format, call.model, call.routed.digest, Date.now());
  const deltas = choiceDeltas(serving, call, request);
  const headers = { 'x-model-version': String(call.routed.version) };
  if (!request.isStreamed) return jsonResponse(await whole(deltas, format, head, request), { headers });
  const events = eventsOf(deltas, format, head, request);
  const body = resumedStream(await events.next(), events);
  return { status: 200, headers: { ...headers, 'content-type': EVENT_STREAM_TYPE, 'cache-control': 'no-store' }, body };
};

const readJson = async ({ request }: Exchange): Promise<unknown> => parseJsonBody(await request.readBody());

/** `POST /v1/chat/completions` */
export const completeChat = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> =>
  complete(serving, exchange, parseChatRequest(await readJson(exchange)), CHAT);

/** `POST /v1/completions` */
export const completeText = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> =>
  complete(serving, exchange, parseTextRequest(await readJson(exchange)), TEXT);
