import { ServingError } from '../../src/core/errors.ts';
import { formatSpec } from '../../src/core/tensor.ts';
import { defineCommand } from '../command.ts';
import { formatBytes, formatFields } from '../format.ts';
import { type PushedModel, pushModel } from '../push-model.ts';
import type { Target } from '../target.ts';
import type { Dimensions } from '../task-recipes.ts';

const parseDimensions = (texts: readonly string[]): Dimensions =>
  Object.fromEntries(
    texts.map((text) => {
      const [, name, size] = /^(.+)=([1-9][0-9]*)$/.exec(text) ?? [];
      if (name === undefined)
        throw new ServingError('INVALID_REQUEST', `--dimension is ${text}, expected <name>=<size>, such as batch=2`);
      return [name, Number(size)];
    }),
  );

const EXAMPLE_INPUTS: Record<PushedModel['task'], string> = {
  tensor: '<request.json>',
  'image-classification': '<picture>',
};

const describePushed = (pushed: PushedModel, target: Target): string => {
  const { name, version, task, reason, signature, files, createMs, alternatives } = pushed;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const fields = formatFields({
    task: `${task} (${reason})`,
    inputs: signature.inputs.map((spec) => `${spec.name} ${formatSpec(spec)}`),
    outputs: signature.outputs.map((spec) => `${spec.name} ${formatSpec(spec)}`),
    files: `${formatBytes(bytes)} in ${files.length}: ${files.map(({ path }) => path).join(', ')}`,
    ...(alternatives.length > 0 && { 'left out': `${alternatives.join(', ')} (pushed when named)` }),
    'loads in': `${createMs} ms on this computer`,
  });
  return [
    `Pushed ${name} version ${version} to ${target.repository.store.location}`,
    fields,
    `Try it: npx onnx-serverless predict ${name} ${EXAMPLE_INPUTS[task]}${target.options}`,
  ].join('\n');
};

export const push = defineCommand({
  summary: 'publish a model as its next version, which then answers',
  description: `Publishes an .onnx file, or a folder as Hugging Face's Optimum writes it (model.onnx or onnx/model.onnx, config.json,
preprocessor_config.json, …). The model is opened and run once first: what cannot be served is refused.`,
  positionals: ['file|folder'],
  options: {
    name: { type: 'string', value: '<name>', description: 'default: the name of the folder or file' },
    task: { type: 'string', value: '<task>', description: 'default: what the folder says; tensor for a file' },
    dimension: {
      type: 'string',
      multiple: true,
      value: '<name>=<size>',
      description: 'size of a variable dimension in the trial run (default: 1)',
    },
  },
  async run({ positionals: [path = ''], values, target: findTarget, terminal }) {
    const dimensions = parseDimensions(values.dimension ?? []);
    const target = await findTarget();
    const pushed = await pushModel(target.repository, path, {
      ...(values.name !== undefined && { name: values.name }),
      ...(values.task !== undefined && { task: values.task }),
      dimensions,
      onProgress: terminal.progress('Uploading'),
    });
    return { text: describePushed(pushed, target), json: { ...pushed, location: target.repository.store.location } };
  },
});
