import { viewOf } from './answers.js';
import { accessHeaders, errorOf, modelsOf, readDocument, readStates, send } from './api.js';
import { chatForm } from './chat.js';
import { completionForm } from './completion.js';
import { byId, h } from './dom.js';
import { inputsFor } from './inputs.js';
import { parametersFor, withParameters } from './parameters.js';
import { snippetsOf } from './snippets.js';
import { timingOf } from './timing.js';

const STATES = { READY: 'ready', LOADING: 'being loaded', UNAVAILABLE: 'not available' };

const chosenName = () => new URLSearchParams(location.hash.slice(1)).get('model');

const noticeFor = (models) => {
  const name = chosenName();
  if (models.length === 0) return 'There is no model yet. Push one: npx onnx-serverless push <folder>';
  if (name === null) return 'Choose a model to try it.';
  return models.some((model) => model.name === name) ? '' : `There is no model ${name}. Choose another one.`;
};

/** What to do about refusals that do not say it themselves: those of the gateway, and those of nobody. */
const HINTS = {
  0: 'Nothing at this address answers now. A server on this machine is started with npm start.',
  404: 'Reload the page to see the models that there are.',
  413: 'A request has up to 4.5 MB behind the gateway. POST /uploads gives a URL that takes larger inputs.',
};

const showCards = (models, states) => {
  byId('cards').replaceChildren(
    ...models.map(({ name, task, version }) => {
      const state = states.get(`${name} ${version}`);
      const about = [`version ${version}`, ...(state ? [STATES[state.state]] : [])];
      const current = name === chosenName() && 'true';
      return h(
        'li',
        {},
        h(
          'a',
          { href: `#${new URLSearchParams({ model: name })}`, title: state?.reason, 'aria-current': current },
          h('strong', {}, name),
          h('span', { class: 'quiet' }, task),
          h('span', { class: `quiet ${state?.state.toLowerCase() ?? ''}` }, about.join(', ')),
        ),
      );
    }),
  );
  byId('notice').textContent = noticeFor(models);
};

const headingOf = ({ ok, status, version }, model) => {
  if (ok) return `Answer of version ${version ?? model.version}`;
  return status === 0 ? 'No answer' : `Refused with status ${status}`;
};

const refusalOf = ({ status, text }) => {
  const hint = HINTS[status];
  return [h('p', { class: 'wrong' }, errorOf(text)), ...(hint ? [h('p', {}, hint)] : [])];
};

/** The answer to one request: what the task shows of it, its time, the JSON and the request as programs. */
const showAnswer = async (area, model, request) => {
  area.replaceChildren(h('p', {}, 'Waiting for the answer …'));
  const answer = await send(request);
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
    snippetsOf({ ...request, access: accessHeaders() }),
  );
};

/** The form of a task whose answer comes whole. */
const taskForm = (model) => {
  const inputs = inputsFor(model);
  const parameters = parametersFor(model);
  const answer = h('div', { id: 'answer', 'aria-live': 'polite' });
  const problem = h('p', { class: 'wrong', role: 'alert' });
  const run = h('button', { class: 'main' }, 'Run');
  const form = h('form', {}, inputs.element, parameters.element, h('div', { class: 'buttons' }, run), problem);
  form.onsubmit = async (event) => {
    event.preventDefault();
    problem.textContent = '';
    run.disabled = true;
    try {
      await showAnswer(answer, model, withParameters(inputs.read(), parameters.read()));
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      run.disabled = false;
    }
  };
  return { element: h('div', {}, form, answer), leave: inputs.leave };
};

const formOf = (model) => {
  if (model.chat) return chatForm(model);
  return model.task === 'text-generation' ? completionForm(model) : taskForm(model);
};

/** The first line of the description, and the others behind it. */
const aboutOf = ({ description }) => {
  const [first, ...others] = description.replaceAll('`', '').split('\n\n');
  return h('details', { class: 'quiet' }, h('summary', {}, first), ...others.map((text) => h('p', {}, text)));
};

let leave = () => {};

const showModel = (model) => {
  const form = formOf(model);
  leave = form.leave;
  const section = byId('model');
  section.replaceChildren(h('h2', { id: 'model-name', tabIndex: -1 }, model.name), aboutOf(model), form.element);
};

readDocument(async (document) => {
  const models = modelsOf(document);
  const states = await readStates().catch(() => new Map());
  const choose = () => {
    showCards(models, states);
    const model = models.find(({ name }) => name === chosenName());
    leave();
    byId('model').hidden = model === undefined;
    if (model === undefined) return;
    showModel(model);
    byId('model-name').focus();
  };
  addEventListener('hashchange', choose);
  choose();
});
