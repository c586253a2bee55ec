import { readDocument, resolve } from './api.js';
import { byId, h, table } from './dom.js';

const block = (title, value) =>
  h(
    'details',
    {},
    h('summary', {}, title),
    h('pre', { tabIndex: 0, role: 'region', 'aria-label': title }, JSON.stringify(value, undefined, 2)),
  );

/** A schema with its references followed, as far as a person wants to read. */
const expand = (document, value, depth = 0) => {
  if (depth > 12 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => expand(document, each, depth + 1));
  if (value.$ref) return expand(document, resolve(document, value), depth + 1);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, expand(document, each, depth + 1)]));
};

const boundsOf = ({ minimum, maximum }) =>
  `${minimum === undefined ? '' : ` from ${minimum}`}${maximum === undefined ? '' : ` to ${maximum}`}`;

/** A schema of a parameter in words. */
const wordsOf = (schema) => {
  if (schema.anyOf) return schema.anyOf.map(wordsOf).join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return `list of ${wordsOf(schema.items ?? {})}`;
  return `${[schema.type ?? 'any'].flat().join(' or ')}${boundsOf(schema)}`;
};

const describeSchema = ({ schema, content }) => wordsOf(schema ?? content?.['application/json'].schema ?? {});

const showParameters = (parameters) =>
  parameters.length > 0 &&
  table(
    'Parameters',
    ['name', 'in', 'meaning', 'value'],
    parameters.map((each) => [each.name, each.in, (each.description ?? '').replaceAll('`', ''), describeSchema(each)]),
  );

const showContent = (document, title, content = {}) =>
  Object.entries(content).map(([type, { schema, example }]) => [
    block(`${title}: ${type}`, expand(document, schema)),
    example !== undefined && block(`${title}: example`, example),
  ]);

const showOperation = (document, path, method, operation, shared) => {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((each) => resolve(document, each));
  const body = resolve(document, operation.requestBody);
  const responses = Object.entries(operation.responses).map(([status, part]) => [status, resolve(document, part)]);
  return h(
    'details',
    { id: operation.operationId },
    h(
      'summary',
      {},
      h('span', { class: 'method' }, method.toUpperCase()),
      h('code', {}, path),
      ` ${operation.summary}`,
    ),
    ...(operation.description ?? '').split('\n\n').map((text) => text && h('p', {}, text.replaceAll('`', ''))),
    showParameters(parameters),
    ...(body ? showContent(document, 'Body', body.content).flat() : []),
    table(
      'Answers',
      ['status', 'meaning'],
      responses.map(([status, { description }]) => [status, description]),
    ),
    ...responses
      .filter(([status]) => status === '200')
      .flatMap(([, { content }]) => showContent(document, 'Answer', content).flat()),
  );
};

const METHODS = ['get', 'post', 'put', 'delete'];

const operationsOf = (document, tag) =>
  Object.entries(document.paths).flatMap(([path, { parameters = [], ...item }]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag)).map((method) =>
      showOperation(document, path, method, item[method], parameters),
    ),
  );

readDocument(async (document) => {
  byId('operations').replaceChildren(
    ...document.tags.map(({ name, description }) =>
      h(
        'section',
        { 'aria-label': name },
        h('h2', {}, name),
        h('p', { class: 'quiet' }, description),
        ...operationsOf(document, name),
      ),
    ),
  );
});
