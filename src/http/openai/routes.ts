import { parseJsonBody } from '../../protocol/json.ts';
import { CHAT, parseChatRequest } from '../../protocol/openai/chat-completion.ts';
import { parseTextRequest, TEXT } from '../../protocol/openai/text-completion.ts';
import type { Serving } from '../../serving/serving.ts';
import type { Exchange, Route } from '../route.ts';
import { complete } from './completions.ts';
import { embed } from './embeddings.ts';
import { transcribe } from './transcriptions.ts';

/** A route to the model that the body names. */
const post = (path: string, handle: Route['handle']): Route => ({
  ...{ method: 'POST', paths: [path], operation: 'predict', findsModel: true, handle },
});

const readJson = async ({ request }: Exchange): Promise<unknown> => parseJsonBody(await request.readBody());

/** OpenAI's API. `GET /v1/models` is among the routes of KServe's first protocol. https://platform.openai.com/docs/api-reference */
export const openAiRoutes = (serving: Serving): Route[] => [
  post('/v1/chat/completions', async (exchange) =>
    complete(serving, exchange, parseChatRequest(await readJson(exchange)), CHAT),
  ),
  post('/v1/completions', async (exchange) =>
    complete(serving, exchange, parseTextRequest(await readJson(exchange)), TEXT),
  ),
  post('/v1/embeddings', (exchange) => embed(serving, exchange)),
  post('/v1/audio/transcriptions', (exchange) => transcribe(serving, exchange, 'transcribe')),
  post('/v1/audio/translations', (exchange) => transcribe(serving, exchange, 'translate')),
];
