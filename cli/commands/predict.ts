import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { isObject } from '../../src/core/is-object.ts';
import { defineCommand } from '../command.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { isOpenInference, MAX_REQUEST_BYTES, readInput, viaStorage } from '../options/predict-input.ts';
import { formatTable } from '../output/format.ts';
import { JsonText } from '../output/json-text.ts';
import { ask } from '../targets/ask.ts';

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

const isLabels = (result: unknown): result is { label: string; score: number }[] =>
  Array.isArray(result) &&
  result.length > 0 &&
  result.every((entry: unknown) => {
    if (!isObject(entry)) return false;
    const { label, score, truncated: _truncated, ...rest } = entry;
    return typeof label === 'string' && typeof score === 'number' && Object.keys(rest).length === 0;
  });

const formatLabels = (labels: readonly { label: string; score: number }[]): string =>
  formatTable(labels.map(({ label, score }) => [score.toFixed(4), label]));

/** Labels as a table, those of several inputs one below the other; anything else as it came. */
const formatResult = (text: string): string => {
  const result: unknown = JSON.parse(text);
  if (isLabels(result)) return formatLabels(result);
  if (Array.isArray(result) && result.length > 0 && result.every(isLabels))
    return result.map(formatLabels).join('\n\n');
  return text;
};

export const predict = defineCommand({
  summary: 'send a file to a model',
  description: `Sends a file and prints the answer. Images, audio files, .txt, .csv and .jsonl are sent as they are; a .json file holds a request, {"inputs",
"parameters"} or one of the Open Inference Protocol. Requests to a stage are signed. With --store the model runs in this process, by the
deployed code. ${REFERENCE_HELP}`,
  positionals: ['model', 'file'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: the version that answers' },
    'top-k': { type: 'string', value: '<count>', description: 'number of labels: short for --parameter top_k=<count>' },
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
    const { answer, answered, truncated } = await ask(target.send, query === '' ? route : `${route}?${query}`, post);
    terminal.note(`${model} version ${answered}`);
    if (truncated !== null) terminal.note(`longer than the model takes, and cut: inputs ${truncated}`);
    const json = new JsonText(`{"model":"${model}","version":${answered},"result":${answer}}`);
    return { text: formatResult(answer), json };
  },
});
