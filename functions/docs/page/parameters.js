import { h } from './dom.js';

/** What people expect of the page, where the task's own default is another. */
const PREFERRED = { aggregation_strategy: 'simple' };

const controlOf = ({ name, schema, content }) => {
  const { type, minimum, maximum, enum: choices } = schema ?? {};
  const common = { id: `parameter-${name}`, name };
  if (choices || type === 'boolean') {
    const values = choices ?? ['true', 'false'];
    const control = h(
      'select',
      common,
      h('option', { value: '' }, 'default'),
      ...values.map((value) => h('option', {}, value)),
    );
    control.value = PREFERRED[name] ?? '';
    return control;
  }
  if (content) return h('input', { ...common, type: 'text', placeholder: 'default' });
  const step = type === 'integer' ? '1' : 'any';
  return h('input', { ...common, type: 'number', min: minimum, max: maximum, step, placeholder: 'default' });
};

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Controls for the parameters of a model. `read` gives those that were set. */
export const parametersFor = ({ parameters }) => {
  if (parameters.length === 0) return { element: undefined, read: () => ({}) };
  const controls = parameters.map((parameter) => [parameter, controlOf(parameter)]);
  const element = h(
    'fieldset',
    { class: 'parameters' },
    h('legend', {}, 'Parameters'),
    ...controls.map(([{ name, description }, control]) =>
      h('div', {}, h('label', { for: control.id, title: description }, name), control),
    ),
  );
  const read = () =>
    Object.fromEntries(
      controls.filter(([, { value }]) => value !== '').map(([{ name }, { value }]) => [name, parse(value)]),
    );
  return { element, read };
};

/** The request with its parameters: in the query of a body that is the input itself, in the JSON otherwise. */
export const withParameters = ({ inQuery, inputs, ...request }, parameters) => {
  if (!inQuery) {
    const document = { inputs, ...(Object.keys(parameters).length > 0 && { parameters }) };
    return { ...request, body: JSON.stringify(document) };
  }
  const query = new URLSearchParams(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  return { ...request, path: `${request.path}${query.size > 0 ? `?${query}` : ''}` };
};
