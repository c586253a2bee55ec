import { h } from './dom.js';

/** What people expect of the page, where the task's own default is another. */
const PREFERRED = { aggregation_strategy: 'simple' };

const schemaOf = ({ schema, content }) => schema ?? content['application/json'].schema;

/** The types of a value; null is no value. */
const typesOf = ({ type, const: constant, anyOf = [] }) =>
  [type ?? typeof constant, ...anyOf.flatMap(typesOf)].flat().filter((each) => each !== 'null' && each !== 'undefined');

const controlOf = (parameter) => {
  const { name } = parameter;
  const { minimum, maximum, enum: choices } = schemaOf(parameter);
  const [type, ...others] = typesOf(schemaOf(parameter));
  const id = `parameter-${name}`;
  const common = { id, name, 'aria-describedby': `${id}-about` };
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
  if (others.length > 0 || !['integer', 'number'].includes(type))
    return h('input', { ...common, type: 'text', placeholder: 'default' });
  const step = type === 'integer' ? '1' : 'any';
  return h('input', { ...common, type: 'number', min: minimum, max: maximum, step, placeholder: 'default' });
};

/** A value of one of the types that the parameter takes, or else the text as it is. */
const parse = (text, parameter) => {
  try {
    const value = JSON.parse(text);
    const types = typesOf(schemaOf(parameter)).map((type) => ({ integer: 'number', array: 'object' })[type] ?? type);
    return value !== null && (types.length === 0 || types.includes(typeof value)) ? value : text;
  } catch {
    return text;
  }
};

/** Controls for the parameters of a model. `read` gives those that were set. */
export const parametersFor = ({ parameters, title = 'Parameters' }) => {
  if (parameters.length === 0) return { element: undefined, read: () => ({}) };
  const controls = parameters.map((parameter) => [parameter, controlOf(parameter)]);
  const element = h(
    'fieldset',
    { class: 'parameters' },
    title !== '' && h('legend', {}, title),
    ...controls.map(([{ name, description }, control]) =>
      h(
        'div',
        {},
        h('label', { for: control.id }, name),
        control,
        h('small', { id: `${control.id}-about` }, description),
      ),
    ),
  );
  const read = () =>
    Object.fromEntries(
      controls.filter(([, { value }]) => value !== '').map(([each, { value }]) => [each.name, parse(value, each)]),
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
