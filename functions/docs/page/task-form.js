import { viewOf } from './answers.js';
import { accessHeaders, errorOf, send } from './api.js';
import { h } from './dom.js';
import { inputsFor } from './inputs.js';
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

const headingOf = ({ ok, status, version, isUpload }, model) => {
  if (ok) return `Answer of version ${version ?? model.version}`;
  if (status === 0) return isUpload ? 'The upload failed' : 'No answer';
  return `${isUpload ? 'Upload refused' : 'Refused'} with status ${status}`;
};

const refusalOf = ({ status, text, isUpload }) => {
  const hint = isUpload ? undefined : HINTS[status];
  return [h('p', { class: 'wrong' }, errorOf(text)), ...(hint ? [h('p', {}, hint)] : [])];
};

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

/** The answer to one request: what the task shows of it, its time, the JSON and the request as programs. */
const showAnswer = async (area, model, request, signal) => {
  area.replaceChildren(h('p', {}, WAITING));
  const isLarge = exceedsRequest(request);
  const answer = await (isLarge ? sendLarge(area, request, signal) : send(request, signal));
  if (answer.isStopped) return area.replaceChildren(h('p', {}, 'Stopped.'));
  const json = answer.json === undefined ? answer.text : JSON.stringify(answer.json, undefined, 2);
  area.replaceChildren(
    h('h3', { class: answer.ok ? '' : 'wrong' }, headingOf(answer, model)),
    ...(answer.ok ? (await viewOf(model.task, answer.json, request)).filter(Boolean) : refusalOf(answer)),
    timingOf(answer),
    h(
      'details',
      { open: !answer.ok || model.task === 'tensor' },
      h('summary', {}, 'JSON'),
      h('pre', { tabIndex: 0, 'aria-label': 'The answer as JSON', role: 'region' }, json),
    ),
    snippetsOf({ ...request, access: accessHeaders() }, isLarge ? UPLOAD_LANGUAGES : undefined),
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
