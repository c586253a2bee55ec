import { viewOf } from './answers.js';
import { accessHeaders, errorOf, send } from './api.js';
import { h } from './dom.js';
import { inputsFor } from './inputs.js';
import { followJob } from './job.js';
import { JOB_LANGUAGES } from './job-snippets.js';
import { parametersFor, withParameters } from './parameters.js';
import { snippetsOf } from './snippets.js';
import { timingOf } from './timing.js';
import { exceedsRequest, sendByBucket } from './upload.js';
import { UPLOAD_LANGUAGES } from './upload-snippets.js';

/** What to do about refusals that do not say it themselves: those of the gateway, and those of nobody. */
const HINTS = {
  0: 'Nothing at this address answers now. A server on this machine is started with npm start.',
  404: 'Reload the page to see the models that there are.',
  413: 'A request has up to 4.5 MB behind the gateway.',
};

const headingOf = ({ ok, status, version, isUpload, isJob }, model) => {
  if (ok) return `Answer of version ${version ?? model.version}`;
  if (isJob) return 'The job has no answer';
  if (status === 0) return isUpload ? 'The upload failed' : 'No answer';
  return `${isUpload ? 'Upload refused' : 'Refused'} with status ${status}`;
};

const refusalOf = ({ status, text, isUpload }) => {
  const hint = isUpload ? undefined : HINTS[status];
  return [h('p', { class: 'wrong' }, errorOf(text)), ...(hint ? [h('p', {}, hint)] : [])];
};

/** A browser takes seconds to lay out more characters. */
const MOST_CHARACTERS = 500_000;

/** The URL of the answer that can be saved: the page keeps the bytes of one. */
let saved = '';

/** The answer as it came, or its beginning with a link that saves the whole. */
const wholeOf = ({ text, json }) => {
  const whole = json === undefined ? text : JSON.stringify(json, undefined, 2);
  const shown = h('pre', { tabIndex: 0, 'aria-label': 'The answer as JSON', role: 'region' });
  shown.textContent = whole.slice(0, MOST_CHARACTERS);
  if (whole.length <= MOST_CHARACTERS) return [shown];
  URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([whole], { type: 'application/json' }));
  const size = `${(whole.length / 1e6).toFixed(1)} million characters`;
  return [h('p', {}, 'The beginning. ', h('a', { href: saved, download: 'answer.json' }, `Save all ${size}`)), shown];
};

/** The programs for a file in the bucket, for a job, or for a request that is answered at once. */
const languagesOf = ({ isJob }, isLarge) => (isLarge ? UPLOAD_LANGUAGES : isJob ? JOB_LANGUAGES : undefined);

const WAITING = 'Waiting for the answer …';

/** Sends a file that exceeds a request to the bucket, and shows how much of it has gone. */
const sendLarge = (area, request, signal) => {
  const { size } = new Blob([request.body]);
  const progress = h('progress', { max: size, value: 0, 'aria-label': 'The part that was sent' });
  area.replaceChildren(h('p', {}, `Sending ${(size / 1e6).toFixed(1)} MB …`), progress);
  const onSent = (bytes) => {
    progress.value = bytes;
    if (bytes >= size) area.replaceChildren(h('p', {}, WAITING));
  };
  return sendByBucket(request, { signal, onSent });
};

/** Shows how far a job is. What stays the same stays as it is, so that screen readers do not read it each second. */
const showJob = (area) => {
  const text = h('p');
  const bar = h('progress', { 'aria-label': 'The inputs that are answered' });
  return ({ id, status, progress }) => {
    const part = progress ? `, ${progress.done} of ${progress.total} inputs are answered` : '';
    const line = `Job ${id} is ${status}${part} …`;
    if (text.textContent !== line) text.textContent = line;
    if (progress) Object.assign(bar, { max: progress.total, value: progress.done });
    if (!text.isConnected) area.replaceChildren(text, bar);
  };
};

/** The answer to one request: what the task shows of it, its time, the JSON and the request as programs. */
const showAnswer = async (area, model, request, signal) => {
  area.replaceChildren(h('p', {}, WAITING));
  const isLarge = exceedsRequest(request);
  const first = await (isLarge ? sendLarge(area, request, signal) : send(request, signal));
  const answer = await followJob(first, { signal, onJob: showJob(area) });
  if (answer.isStopped) return area.replaceChildren(h('p', {}, answer.note ?? 'Stopped.'));
  area.replaceChildren(
    h('h3', { class: answer.ok ? '' : 'wrong' }, headingOf(answer, model)),
    ...(answer.ok ? (await viewOf(model.task, answer.json, request)).filter(Boolean) : refusalOf(answer)),
    timingOf(answer),
    h('details', { open: !answer.ok || model.task === 'tensor' }, h('summary', {}, 'JSON'), ...wholeOf(answer)),
    snippetsOf({ ...request, access: accessHeaders() }, languagesOf(answer, isLarge)),
  );
};

/** The form of a task whose answer comes whole. `leave` ends what is under way. */
export const taskForm = (model) => {
  const inputs = inputsFor(model);
  const parameters = parametersFor(model);
  const answer = h('div', { id: 'answer', 'aria-live': 'polite' });
  const problem = h('p', { class: 'wrong', role: 'alert' });
  const run = h('button', { class: 'main' }, 'Run');
  const stop = h('button', { type: 'button', hidden: true }, 'Stop');
  const form = h('form', {}, inputs.element, parameters.element, h('div', { class: 'buttons' }, run, stop), problem);
  let running;
  stop.onclick = () => running?.abort();
  form.onkeydown = ({ key }) => {
    if (key === 'Escape') running?.abort();
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (running) return;
    problem.textContent = '';
    try {
      const request = { model: model.name, ...withParameters(inputs.read(), parameters.read()) };
      running = new AbortController();
      run.ariaDisabled = 'true'; // it keeps the focus, so that Escape is heard
      stop.hidden = false;
      await showAnswer(answer, model, request, running.signal);
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      running = undefined;
      run.ariaDisabled = 'false';
      stop.hidden = true;
    }
  };
  const leave = () => {
    inputs.leave();
    running?.abort();
  };
  return { element: h('div', {}, form, answer), leave };
};
