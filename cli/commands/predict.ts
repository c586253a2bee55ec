import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { defineCommand } from '../command.ts';
import { misuse } from '../options/misuse.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { isOpenInference, MAX_REQUEST_BYTES, readInput, viaStorage } from '../options/predict-input.ts';
import { formatResult } from '../output/format-result.ts';
import { JsonText } from '../output/json-text.ts';
import { ACCEPTED, readAnswer } from '../targets/ask.ts';
import { assertRunsJobs, reportJob } from '../targets/jobs.ts';

const parseParameters = (texts: readonly string[], topK: string | undefined): string => {
  const pairs = texts.map((text) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      misuse(`--parameter is ${text}, expected <name>=<value>, such as top_k=3`);
    return [name, value] as const;
  });
  if (topK !== undefined) pairs.push(['top_k', topK]);
  return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
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
    async: { type: 'boolean', description: 'make a job, which may take longer than a request, and do not wait for it' },
  },
  async run({ positionals: [text = '', file = ''], values, target: findTarget, terminal }) {
    const reference = parseReference(text, values.version);
    const model = reference.name;
    const query = parseParameters(values.parameter ?? [], values['top-k']);
    const input = await readInput(file);
    const raw = isOpenInference(input);
    if (raw && query !== '')
      throw new ServingError(
        'INVALID_REQUEST',
        `${file} is a request of tensors: its parameters stand in the file itself`,
      );
    if (raw && values.async)
      throw new ServingError('INVALID_REQUEST', `${file} is a request of tensors, which becomes no job`);
    const target = await findTarget();
    if (values.async) assertRunsJobs(target);
    const fits = input.body.byteLength <= MAX_REQUEST_BYTES;
    if (raw && !fits)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `${file} has ${formatBytes(input.body.byteLength)}, a request of tensors at most ${formatBytes(MAX_REQUEST_BYTES)}`,
      );
    const { body, contentType } = fits ? input : await viaStorage(model, input, target, terminal);
    // Without a version the endpoint chooses, so that a canary gets its share.
    const isNamed = reference.version !== undefined || reference.alias !== undefined;
    const version = isNamed ? `/versions/${await resolveVersion(target.repository, reference)}` : '';
    const route = raw ? `/v2/models/${model}${version}/infer` : `/models/${model}${version}`;
    const headers = { 'content-type': contentType, ...(values.async && { prefer: 'respond-async' }) };
    const path = query === '' ? route : `${route}?${query}`;
    const response = await target.send(path, { method: 'POST', headers, body });
    if (response.status === ACCEPTED) return reportJob(target, response);
    const { answer, answered, truncated } = await readAnswer(response);
    terminal.note(`${model} version ${answered}`);
    if (truncated !== null) terminal.note(`longer than the model takes, and cut: inputs ${truncated}`);
    const json = new JsonText(`{"model":"${model}","version":${answered},"result":${answer}}`);
    return { text: formatResult(answer), json };
  },
});
