import { byId } from './dom.js';

const STORED = 'onnx-serverless-key';

/** API Gateway ends a request by then: a question that has no answer yet gets none. */
export const LONGEST_WAIT_MS = 30_000;

export const JSON_HEADERS = { 'content-type': 'application/json' };

/** The headers that let the caller in. */
export const accessHeaders = () => {
  const key = sessionStorage.getItem(STORED);
  return key ? { authorization: `Bearer ${key}` } : {};
};

let reading = new AbortController();

/** Reads the document of the API. Asks for a key, and calls `read` again, when the stage wants one. */
export const readDocument = async (read) => {
  reading.abort(); // a key that was typed before
  reading = new AbortController();
  const { signal } = reading;
  const form = byId('access');
  form.onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(STORED, byId('key').value.trim());
    readDocument(read);
  };
  const notice = byId('notice');
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WAIT_MS)]);
    const response = await fetch('/openapi.json', { headers: accessHeaders(), signal: limited });
    form.hidden = response.status !== 401 && response.status !== 403;
    if (!form.hidden) {
      notice.textContent =
        'This stage lets in callers with a key (auth=key) or a token (auth=jwt). A stage with auth=aws_iam takes signed requests, which a page cannot send.';
      return;
    }
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const document = await response.json();
    notice.textContent = '';
    await read(document);
  } catch (error) {
    if (signal.aborted) return;
    form.hidden = Object.keys(accessHeaders()).length === 0; // a key with letters that no header takes is changed here
    notice.textContent = `The document of the API cannot be read: ${error.message}`;
  }
};

/** The part of a document that a reference names; any other part is itself. */
export const resolve = (document, part) =>
  part?.$ref === undefined
    ? part
    : part.$ref
        .slice(2)
        .split('/')
        .reduce((inner, name) => inner?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);

/** How models are asked by OpenAI's API: its path, the fields of a request, and the URL that streams, if there is one. */
const writing = (document, path) => {
  const { requestBody, servers = [] } = document.paths[path].post;
  const { properties } = requestBody.content['application/json'].schema;
  return { path, fields: properties, streams: servers.find(({ url }) => url !== '/')?.url };
};

/** The models that the document describes: those with a tag that names a task. */
export const modelsOf = (document) =>
  document.tags
    .filter((tag) => tag['x-model'])
    .map((tag) => {
      const operation = document.paths[`/models/${tag.name}`].post;
      const { content } = resolve(document, operation.requestBody);
      return {
        ...{ name: tag.name, ...tag['x-model'], description: operation.description },
        chat: tag['x-model'].chat && writing(document, '/v1/chat/completions'),
        completion: writing(document, '/v1/completions'),
        parameters: operation.parameters.filter((parameter) => parameter.in === 'query'),
        example: content['application/json'].example,
        csv: content['text/csv']?.example,
        text: content['text/plain']?.example,
        tensors: document.paths[`/v2/models/${tag.name}/infer`].post.requestBody.content['application/json'].example,
      };
    });

/** The state of each model in the process that answers, by name; empty for a caller who may not ask for all of them. */
export const readStates = async () => {
  const headers = { ...JSON_HEADERS, ...accessHeaders() };
  const signal = AbortSignal.timeout(LONGEST_WAIT_MS);
  const response = await fetch('/v2/repository/index', { method: 'POST', headers, body: '{}', signal });
  if (!response.ok) return new Map();
  const versions = await response.json();
  return new Map(versions.map(({ name, version, state, reason }) => [`${name} ${version}`, { state, reason }]));
};

/** The message of an answer that refuses: in the form of this project, of OpenAI, or of the gateway. */
export const errorOf = (text) => {
  try {
    const { error, message } = JSON.parse(text);
    return error?.message ?? error ?? message ?? text;
  } catch {
    return text;
  }
};

/** Sends a request, that of a form when no method is named. Never throws: what went wrong is the answer, and so is that `signal` stopped it. */
export const send = async ({ path, method = 'POST', headers, body }, signal) => {
  const started = performance.now();
  try {
    const response = await fetch(path, { method, headers: { ...headers, ...accessHeaders() }, body, signal });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      ...{ ok: response.ok, status: response.status, text, ms: performance.now() - started },
      json: isJson ? JSON.parse(text) : undefined,
      timing: response.headers.get('server-timing') ?? '',
      version: response.headers.get('x-model-version'),
    };
  } catch (error) {
    return {
      ok: false,
      isStopped: signal.aborted,
      status: 0,
      text: `The request failed: ${error.message}`,
      ms: performance.now() - started,
      timing: '',
    };
  }
};
