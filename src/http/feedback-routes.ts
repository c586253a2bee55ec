import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import { type ParsedFeedback, parseFeedback } from '../monitoring/feedback/parse-feedback.ts';
import { storeFeedback } from '../monitoring/feedback/store-feedback.ts';
import { decodeUtf8, parseJsonBody } from '../protocol/json.ts';
import { parseJsonLines } from '../protocol/task-api/request.ts';
import type { Serving } from '../serving/serving.ts';
import { type HttpResponse, toJsonResponse } from './message.ts';
import type { Exchange, Route } from './route.ts';

/** Lines of which a response names the problems. */
const MOST_NAMED = 100;
/** Versions that the predictions of a request may be of: each is looked up, and a caller can make up any number of them. */
const MOST_VERSIONS = 100;

interface Refusal {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/** The end of a line between two documents. It is written so that a search of many empty lines takes linear time. */
const BETWEEN_LINES = /\}[^\S\n]*\n\s*\{/;

/** True for one document, false for JSON Lines. A body of one line is both. */
const isSingle = (text: string, contentType: string): boolean =>
  !/jsonl|ndjson|jsonlines/.test(contentType) && !BETWEEN_LINES.test(text);

const documentsOf = (
  body: Uint8Array | string,
  contentType = '',
): { documents: readonly unknown[]; single: boolean } => {
  const text = decodeUtf8(body);
  if (!isSingle(text, contentType)) return { documents: parseJsonLines(text), single: false };
  const document = parseJsonBody(text);
  return Array.isArray(document) ? { documents: document, single: false } : { documents: [document], single: true };
};

/**
 * Tells, once for each version, whether it can have made a prediction.
 * @throws `NOT_FOUND`, `FORBIDDEN`, `INVALID_INPUT`; `PAYLOAD_TOO_LARGE` after a hundred versions; `MODEL_UNAVAILABLE`
 */
const createAssertVersion = ({ router }: Serving, { context, assertAllowed, parameters }: Exchange) => {
  const asked = new Map<string, Promise<unknown>>();
  return async ({ prediction: { model: name, version } }: ParsedFeedback): Promise<void> => {
    if (parameters.name !== undefined && parameters.name !== name)
      throw new ServingError(
        'INVALID_INPUT',
        `"id" is of the model ${shorten(name)}, not of ${shorten(parameters.name)}`,
      );
    const key = `${name}/${version}`;
    if (!asked.has(key) && asked.size >= MOST_VERSIONS)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `the feedback is on predictions of more than ${MOST_VERSIONS} versions; send that on each model in a request of its own`,
      );
    const known =
      asked.get(key) ?? assertAllowed(name).then(() => router.route({ name, version }, undefined, context.deadline));
    asked.set(key, known);
    await known;
  };
};

/** Refusals that concern a line alone; any other failure is that of the request. */
const CONCERN_LINES: readonly string[] = ['INVALID_INPUT', 'INVALID_REQUEST', 'NOT_FOUND', 'FORBIDDEN'];

const takeFeedback = async (serving: Serving, exchange: Exchange): Promise<HttpResponse> => {
  const { request } = exchange;
  const receivedMs = Date.now();
  const { documents, single } = documentsOf(await request.readBody(), request.headers['content-type']);
  const assertVersion = createAssertVersion(serving, exchange);
  const accepted: ParsedFeedback[] = [];
  const problems: Refusal[] = [];
  for (const [index, document] of documents.entries())
    try {
      const feedback = parseFeedback(document, receivedMs);
      await assertVersion(feedback);
      accepted.push(feedback);
    } catch (error) {
      const { code, message } = ServingError.from(error);
      if (single || !CONCERN_LINES.includes(code)) throw error;
      if (problems.length < MOST_NAMED) problems.push({ line: index + 1, problem: message });
    }
  await storeFeedback(serving.data, accepted, receivedMs);
  return toJsonResponse({ accepted: accepted.length, refused: documents.length - accepted.length, problems });
};

/** `POST /feedback` takes what somebody knows of predictions: one as JSON, many as a list or as JSON Lines. */
export const feedbackRoutes = (serving: Serving): Route[] => [
  {
    method: 'POST',
    paths: ['/feedback', '/models/:name/feedback'],
    operation: 'feedback',
    handle: (exchange) => takeFeedback(serving, exchange),
  },
];
