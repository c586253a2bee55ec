import type { Serving } from '../../serving/serving.ts';
import type { Route } from '../route.ts';

/** Few models answer by OpenAI's API: no other cold start waits for its code. */
const completions = () => import('./completions.ts');
const embeddings = () => import('./embeddings.ts');
const transcriptions = () => import('./transcriptions.ts');

/** A route to the model that the body names. */
const post = (path: string, handle: Route['handle']): Route => ({
  ...{ method: 'POST', paths: [path], operation: 'predict', findsModel: true, handle },
});

/** OpenAI's API. `GET /v1/models` is among the routes of KServe's first protocol. https://platform.openai.com/docs/api-reference */
export const openAiRoutes = (serving: Serving): Route[] => [
  post('/v1/chat/completions', async (exchange) => (await completions()).completeChat(serving, exchange)),
  post('/v1/completions', async (exchange) => (await completions()).completeText(serving, exchange)),
  post('/v1/embeddings', async (exchange) => (await embeddings()).embed(serving, exchange)),
  post('/v1/audio/transcriptions', async (exchange) =>
    (await transcriptions()).transcribe(serving, exchange, 'transcribe'),
  ),
  post('/v1/audio/translations', async (exchange) =>
    (await transcriptions()).transcribe(serving, exchange, 'translate'),
  ),
];
