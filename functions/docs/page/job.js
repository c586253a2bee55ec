import { LONGEST_WAIT_MS, send } from './api.js';

/** Between two questions about a job; twice as long after each one that fails. */
const PAUSE_MS = 1_000;
/** Questions in a row that may fail, as while a server starts anew: a minute of them. */
const MOST_FAILURES = 5;

/** Waits, or less when `signal` stops it. */
const pause = (ms, signal) =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });

/** False for an error, and for what a proxy on the way answers itself. */
const isDescription = ({ ok, json }) => ok && json?.urls !== undefined;

/** Tells what became of a job that its user stopped. */
const cancel = async ({ id, urls }) => {
  const { ok, status } = await send({ path: urls.cancel, method: 'DELETE' }, AbortSignal.timeout(LONGEST_WAIT_MS));
  if (ok) return { isStopped: true, note: `Stopped: job ${id} is cancelled.` };
  const note = status === 409 ? 'had ended before.' : 'could not be cancelled, and goes on.';
  return { isStopped: true, note: `Stopped: job ${id} ${note}` };
};

/** An answer of more than 1 MiB lies in the bucket. */
const readStored = async ({ resultUrl, resultContentType }, signal) => {
  const response = await fetch(resultUrl, { signal });
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}`);
  return { text, json: resultContentType.startsWith('application/json') ? JSON.parse(text) : undefined };
};

/** The time in the queue, and that of the run. */
const timingOf = ({ created, started = created, ended }) => {
  const [made, begun, over] = [created, started, ended].map(Date.parse);
  return `queue;dur=${Math.max(0, begun - made)}, job;dur=${Math.max(0, over - begun)}`;
};

/** The answer of a job that has ended, in the form of `send`. */
const toAnswer = async (job, signal) => {
  const { status, version, result, resultUrl, error } = job;
  const common = { isJob: true, status: 200, version, timing: timingOf(job) };
  const text = error ? JSON.stringify({ error }) : `The job was ${status}.`;
  if (status !== 'succeeded') return { ...common, ok: false, text, json: job };
  if (resultUrl === undefined) return { ...common, ok: true, text: JSON.stringify(result), json: result };
  try {
    return { ...common, ok: true, ...(await readStored(job, signal)) };
  } catch ({ message }) {
    if (signal.aborted) return { isStopped: true, note: `Stopped: job ${job.id} had ended before.` };
    return {
      ...common,
      ok: false,
      text: `The answer is there for an hour, and this page cannot read it: ${message}`,
      json: job,
    };
  }
};

/** Asks for a job again and again. Returns it when it has ended, the answer that refuses, or what became of it when it is stopped. */
const waitForEnd = async (first, { signal, onJob }) => {
  let job = first;
  let failures = 0;
  while (job.ended === undefined) {
    onJob(job);
    await pause(PAUSE_MS * 2 ** failures, signal);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WAIT_MS)]);
    const asked = signal.aborted ? undefined : await send({ path: job.urls.get, method: 'GET' }, limited);
    if (signal.aborted) return { answer: await cancel(job) };
    const isJob = isDescription(asked);
    failures = isJob ? 0 : failures + 1;
    if (isJob) job = asked.json;
    else if ([401, 403, 404].includes(asked.status) || failures > MOST_FAILURES)
      return { answer: { ...asked, ok: false, isStopped: false } };
  }
  return { job };
};

/** The answer itself of a request that became a job; any other answer as it is. `onJob` gets the job while it waits or runs. Never throws. */
export const followJob = async (answer, { signal, onJob }) => {
  if (answer.status !== 202 || !isDescription(answer)) return answer;
  const started = performance.now();
  const { job, answer: other } = await waitForEnd(answer.json, { signal, onJob });
  const end = other ?? (await toAnswer(job, signal));
  return { ...end, uploadMs: answer.uploadMs, ms: answer.ms + performance.now() - started };
};
