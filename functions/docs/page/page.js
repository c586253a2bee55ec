import { modelsOf, readDocument, readStates } from './api.js';
import { chatForm } from './chat.js';
import { completionForm } from './completion.js';
import { byId, h } from './dom.js';
import { taskForm } from './task-form.js';

const STATES = { READY: 'ready', LOADING: 'being loaded', UNAVAILABLE: 'not available' };

const chosenName = () => new URLSearchParams(location.hash.slice(1)).get('model');

const noticeFor = (models) => {
  const name = chosenName();
  if (models.length === 0) return 'There is no model yet. Push one: npx onnx-serverless push <folder>';
  if (name === null) return 'Choose a model to try it.';
  return models.some((model) => model.name === name) ? '' : `There is no model ${name}. Choose another one.`;
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
/** Shows what the address names, of the document that was read last. */
let choose = () => {};

const showModel = (model) => {
  const form = formOf(model);
  leave = form.leave;
  const section = byId('model');
  section.replaceChildren(h('h2', { id: 'model-name', tabIndex: -1 }, model.name), aboutOf(model), form.element);
};

readDocument(async (document) => {
  const models = modelsOf(document);
  const states = await readStates().catch(() => new Map());
  choose = () => {
    showCards(models, states);
    const model = models.find(({ name }) => name === chosenName());
    leave();
    leave = () => {};
    byId('model').hidden = model === undefined;
    if (model === undefined) return;
    showModel(model);
    byId('model-name').focus();
  };
  choose();
});
addEventListener('hashchange', () => choose());
