import { accessHeaders } from './api.js';
import { h, showMs } from './dom.js';
import { canReach, generate } from './generate.js';
import { OPENAI_LANGUAGES } from './openai-snippets.js';
import { parametersFor } from './parameters.js';
import { snippetsOf } from './snippets.js';
import { timeBar } from './timing.js';

/** Fields of the request that a person wants to set. */
const SAMPLING = [
  ...['max_tokens', 'temperature', 'top_p', 'top_k', 'min_p', 'seed', 'stop'],
  ...['repetition_penalty', 'frequency_penalty', 'presence_penalty'],
];

const ENDS = { length: 'ended by the limit of tokens', content_filter: 'ended by a filter' };

const speedOf = ({ usage, firstMs, ms }) =>
  usage?.completion_tokens > 1 && `${Math.round(((usage.completion_tokens - 1) / (ms - firstMs)) * 1000)} tokens/s`;

/** What a person wants to know of an answer, in one line. */
export const summaryOf = (outcome) => {
  const { usage, isStreamed, isStopped, firstMs, end } = outcome;
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  return [
    usage && `${usage.prompt_tokens} tokens in${cached ? ` (${cached} cached)` : ''}, ${usage.completion_tokens} out`,
    isStreamed && firstMs !== undefined && `first token after ${showMs(firstMs)}`,
    isStreamed && speedOf(outcome),
    isStreamed === false && 'in one piece, since this page cannot reach the URL of streams',
    isStopped && 'stopped',
    ENDS[end],
  ]
    .filter(Boolean)
    .join(' · ');
};

const partsOf = ({ isStreamed, firstMs, ms }) =>
  isStreamed && firstMs !== undefined
    ? [
        ['first token', firstMs],
        ['other tokens', ms - firstMs],
      ]
    : [['answer', ms]];

/** Has a model write, and shows settings, a button that stops it, its time, and the request as programs. */
export const createWriter = (model, { path, fields, streams }) => {
  const parameters = parametersFor({
    title: '', // the fold has one
    parameters: SAMPLING.filter((name) => fields[name]).map((name) => {
      const { description, ...schema } = fields[name];
      return { name, description, schema };
    }),
  });
  const stop = h('button', { type: 'button', hidden: true }, 'Stop');
  const result = h('div', { id: 'answer' });
  let running;
  canReach(streams); // before the first message waits for it
  stop.onclick = () => running?.abort();

  const write = async (input, onText) => {
    const request = { model: model.name, ...input, ...parameters.read(), stream: true };
    const body = JSON.stringify({ ...request, stream_options: { include_usage: true } });
    running = new AbortController();
    stop.hidden = false;
    const outcome = await generate({ path, streams, body, signal: running.signal, onText });
    stop.hidden = true;
    running = undefined;
    result.replaceChildren(
      timeBar(partsOf(outcome), outcome.ms),
      snippetsOf({ path, base: streams, request, access: accessHeaders() }, OPENAI_LANGUAGES),
    );
    return outcome;
  };
  const settings = h('details', {}, h('summary', {}, 'Sampling'), parameters.element);
  return {
    ...{ settings, stop, result, write },
    isRunning: () => running !== undefined,
    abort: () => running?.abort(),
    stopOnEscape: ({ key }) => {
      if (key === 'Escape') running?.abort();
    },
  };
};
