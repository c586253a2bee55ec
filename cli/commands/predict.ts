import { ERROR_KINDS, type ErrorCode, ServingError } from '../../src/core/errors.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { defineCommand } from '../command.ts';
import { formatBytes, formatTable } from '../format.ts';
import { type ModelReference, parseReference, REFERENCE_HELP, resolveVersion } from '../model-reference.ts';
import { type Input, isOpenInference, MAX_REQUEST_BYTES, readInput, viaStorage } from '../predict-input.ts';
import type { Post, Send } from '../send.ts';
import type { Target } from '../target.ts';

/** Says what to do when a model that takes tensors refuses a picture; where the repository cannot be read, the refusal has to do. */
const explainRefusal = async (
  failure: unknown,
  { path, contentType }: Input,
  reference: ModelReference,
  { repository, options }: Target,
): Promise<unknown> => {
  const { code, message } = ServingError.from(failure);
  if (ERROR_KINDS[code].fault !== 'client' || !contentType.startsWith('image/')) return failure;
  const bundle = await resolveVersion(repository, reference)
    .then((version) => repository.bundle(reference.name, version))
    .catch(() => undefined);
  if (bundle?.task !== 'tensor') return failure;
  const { name, version } = bundle;
  const push = `npx onnx-serverless push <folder> --task image-classification --name ${name}${options}`;
  return new ServingError(
    code,
    `${message}; ${name} version ${version} takes tensors, and ${path} is a picture: a folder with config.json and preprocessor_config.json is pushed as a classifier of pictures with: ${push}`,
    { cause: failure },
  );
};

const parseParameters = (texts: readonly string[], topK: string | undefined): string => {
  const pairs = texts.map((text) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw new ServingError('INVALID_REQUEST', `--parameter is ${text}, expected <name>=<value>, such as top_k=3`);
    return [name, value] as const;
  });
  if (topK !== undefined) pairs.push(['top_k', topK]);
  return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
};

/** The answer of the application, or of what stands before it: a gateway that refuses has no `code`. */
const failureOf = ({ status }: Response, text: string): ServingError => {
  let body: { error?: string; code?: ErrorCode; message?: string; Message?: string } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // not JSON: shown as it is
  }
  if (body.error !== undefined && body.code !== undefined) return new ServingError(body.code, body.error);
  const answer = `the endpoint answers ${status}: ${body.message ?? body.Message ?? text.slice(0, 200)}`;
  if (status === 401 || status === 403)
    return new ServingError('INVALID_REQUEST', `${answer}; the caller's AWS credentials need execute-api:Invoke on it`);
  return new ServingError(status < 500 && status !== 429 ? 'INVALID_REQUEST' : 'MODEL_UNAVAILABLE', answer);
};

/** The answer, and the version that gave it. */
const ask = async (send: Send, route: string, post: Post): Promise<{ answer: string; answered: number }> => {
  const response = await send(route, post);
  const answer = await response.text();
  if (!response.ok) throw failureOf(response, answer);
  return { answer, answered: Number(response.headers.get('x-model-version') ?? JSON.parse(answer).model_version) };
};

const isLabels = (result: unknown): result is { label: string; score: number }[] =>
  Array.isArray(result) &&
  result.every((entry: unknown) => {
    const { label, score } = Object(entry) as Record<string, unknown>;
    return typeof label === 'string' && typeof score === 'number';
  });

const formatResult = (text: string): string => {
  const result: unknown = JSON.parse(text);
  return isLabels(result) ? formatTable(result.map(({ label, score }) => [score.toFixed(4), label])) : text;
};

export const predict = defineCommand({
  summary: 'send a file to a model',
  description: `Sends a file and prints the answer. A picture is sent as it is; a .json file holds a request, {"inputs", "parameters"} or one of the
Open Inference Protocol. Requests to a stage are signed. With --store the model runs in this process, by the code that is deployed.
${REFERENCE_HELP}`,
  positionals: ['model', 'file'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: the version that answers' },
    'top-k': { type: 'string', value: '<count>', description: 'how many labels: short for --parameter top_k=<count>' },
    parameter: {
      type: 'string',
      multiple: true,
      value: '<name>=<value>',
      description: 'a parameter of the task',
    },
  },
  async run({ positionals: [text = '', path = ''], values, target: findTarget, terminal }) {
    const reference = parseReference(text, values.version);
    const model = reference.name;
    const query = parseParameters(values.parameter ?? [], values['top-k']);
    const input = await readInput(path);
    const raw = isOpenInference(input);
    if (raw && query !== '')
      throw new ServingError(
        'INVALID_REQUEST',
        `${path} is a request of tensors: its parameters stand in the file itself`,
      );
    const target = await findTarget();
    const fits = input.body.byteLength <= MAX_REQUEST_BYTES;
    if (raw && !fits)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `${path} has ${formatBytes(input.body.byteLength)}, a request of tensors at most ${formatBytes(MAX_REQUEST_BYTES)}`,
      );
    const { body, contentType } = fits ? input : await viaStorage(model, input, target, terminal);
    // Without a version the endpoint chooses, so that a canary gets its share.
    const isNamed = reference.version !== undefined || reference.alias !== undefined;
    const version = isNamed ? `/versions/${await resolveVersion(target.repository, reference)}` : '';
    const route = raw ? `/v2/models/${model}${version}/infer` : `/models/${model}${version}`;
    const post = { method: 'POST', headers: { 'content-type': contentType }, body } as const;
    const { answer, answered } = await ask(target.send, query === '' ? route : `${route}?${query}`, post).catch(
      async (failure: unknown) => {
        throw await explainRefusal(failure, input, reference, target);
      },
    );
    terminal.note(`${model} version ${answered}`);
    const json = new JsonText(`{"model":"${model}","version":${answered},"result":${answer}}`);
    return { text: formatResult(answer), json };
  },
});
