import { viewOf } from './answers.js';
import { accessHeaders, modelsOf, readDocument, readStates, send } from './api.js';
import { byId, h } from './dom.js';
import { inputsFor } from './inputs.js';
import { parametersFor, withParameters } from './parameters.js';
import { snippetsOf } from './snippets.js';
import { timingOf } from './timing.js';

const STATES = { READY: 'ready', LOADING: 'being loaded', UNAVAILABLE: 'not available' };

const chosenName = () => new URLSearchParams(location.hash.slice(1)).get('model');

const showCards = (models, states) => {
  byId('cards').replaceChildren(
    ...models.map(({ name, task, version }) => {
      const state = states.get(`${name} ${version}`);
      const about = [task, `version ${version}`, ...(state ? [STATES[state.state]] : [])];
      const current = name === chosenName() && 'true';
      return h(
        'li',
        {},
        h(
          'a',
          { href: `#${new URLSearchParams({ model: name })}`, title: state?.reason, 'aria-current': current },
          h('strong', {}, name),
          ...about.map((text) => h('span', { class: 'quiet' }, text)),
        ),
      );
    }),
  );
  byId('notice').textContent =
    models.length === 0 ? 'There is no model yet. Push one: npx onnx-serverless push <folder>' : '';
};

/** The answer to one request: what the task shows of it, its time, the JSON and the request as programs. */
const showAnswer = async (area, model, request) => {
  area.replaceChildren(h('p', {}, 'Waiting for the answer …'));
  const answer = await send(request);
  const json = answer.json === undefined ? answer.text : JSON.stringify(answer.json, undefined, 2);
  const heading = answer.ok
    ? `Answer of version ${answer.version ?? model.version}`
    : `Refused with status ${answer.status}`;
  area.replaceChildren(
    h('h3', { class: answer.ok ? '' : 'wrong' }, heading),
    ...(answer.ok
      ? (await viewOf(model.task, answer.json, request)).filter(Boolean)
      : [h('p', { class: 'wrong' }, answer.json?.error ?? answer.json?.message ?? answer.text)]),
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

const showModel = (model) => {
  const inputs = inputsFor(model);
  const parameters = parametersFor(model);
  const answer = h('div', { id: 'answer', 'aria-live': 'polite' });
  const problem = h('p', { class: 'wrong', role: 'alert' });
  const run = h('button', { class: 'main' }, 'Run');
  const form = h('form', {}, inputs.element, parameters.element, run, problem);
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
  const section = byId('model');
  section.replaceChildren(
    h('h2', { id: 'model-name', tabIndex: -1 }, model.name),
    ...model.description.split('\n\n').map((text) => h('p', { class: 'quiet' }, text.replaceAll('`', ''))),
    form,
    answer,
  );
  section.hidden = false;
};

readDocument(async (document) => {
  const models = modelsOf(document);
  const states = await readStates().catch(() => new Map());
  const choose = () => {
    showCards(models, states);
    const model = models.find(({ name }) => name === chosenName());
    if (model === undefined) return;
    showModel(model);
    byId('model-name').focus();
  };
  addEventListener('hashchange', choose);
  choose();
});
