import { accessHeaders, errorOf, JSON_HEADERS, LONGEST_WAIT_MS } from './api.js';

const post = (url, body, signal) => {
  const headers = { ...JSON_HEADERS, ...accessHeaders() };
  return fetch(url, { method: 'POST', headers, body, signal });
};

/** The URLs of streams that this page has asked, and whether they answer it. */
const reached = new Map();

const ask = async (streams) => {
  try {
    const signal = AbortSignal.timeout(LONGEST_WAIT_MS);
    await fetch(`${streams}/v2/health/live`, { headers: accessHeaders(), signal });
    return true;
  } catch {
    reached.delete(streams); // the next message asks again
    return false;
  }
};

/** True where this page can read the URL of streams. No model is asked. */
export const canReach = (streams) => {
  if (streams === undefined) return false;
  if (!reached.has(streams)) reached.set(streams, ask(streams));
  return reached.get(streams);
};

/**
 * The URL of streams answers piece by piece. Where this page cannot reach it, its own address answers in one piece. A model is asked once: a
 * URL that breaks off may have had it write already.
 */
const open = async ({ path, streams, body, signal }) => {
  const isStreamed = await canReach(streams);
  signal.throwIfAborted();
  try {
    return { response: await post(`${isStreamed ? streams : ''}${path}`, body, signal), isStreamed };
  } catch (error) {
    reached.delete(streams);
    throw error;
  }
};

/** The data of each event. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      yield* events.map((event) => event.replace(/^data: ?/, ''));
    }
  } finally {
    reader.cancel().catch(() => {}); // nobody reads what comes behind the end, or behind an error
  }
}

/** Reads the events into `outcome`. Throws an error that comes in the middle of the stream. */
const readEvents = async (response, outcome, onText) => {
  for await (const data of eventsOf(response)) {
    if (data === '[DONE]') return;
    const { choices = [], usage, error } = JSON.parse(data);
    if (error) throw new Error(error.message);
    outcome.usage = usage ?? outcome.usage;
    for (const { delta, text = delta?.content ?? '', finish_reason: end } of choices) {
      outcome.end = end ?? outcome.end;
      if (text === '') continue;
      outcome.firstMs ??= performance.now() - outcome.started;
      outcome.text += text;
      onText(text);
    }
  }
  throw new Error('the stream ended before the answer did');
};

/**
 * Has a model write a text; `onText` gets each piece. Never throws: the outcome has the text up to its end, to an error, or to the moment
 * at which `signal` stopped it.
 */
export const generate = async ({ onText, ...request }) => {
  const outcome = { text: '', started: performance.now() };
  try {
    const { response, isStreamed } = await open(request);
    outcome.isStreamed = isStreamed;
    outcome.version = response.headers.get('x-model-version');
    if (response.ok) await readEvents(response, outcome, onText);
    else outcome.error = `Refused with status ${response.status}: ${errorOf(await response.text())}`;
  } catch (error) {
    const isStopped = request.signal.aborted;
    outcome.isStopped = isStopped;
    if (!isStopped && outcome.text === '') outcome.error = `No answer came: ${error.message}`;
    if (!isStopped && outcome.text !== '') outcome.error = `The answer broke off: ${error.message}`;
  }
  outcome.ms = performance.now() - outcome.started;
  return outcome;
};
