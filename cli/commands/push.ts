import type { PrepareStep } from '../../src/authoring/prepare-model.ts';
import { type PushedModel, pushModel } from '../../src/authoring/push-model.ts';
import { parseTask } from '../../src/authoring/recognise-task.ts';
import type { Dimensions } from '../../src/core/blank.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { totalBytes } from '../../src/core/total-bytes.ts';
import { defineCommand } from '../command.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { parseModelName } from '../options/model-reference.ts';
import { CHANGE_OPTIONS } from '../options/routing-change.ts';
import { readSigner } from '../options/signing-key.ts';
import { formatFields } from '../output/format.ts';
import { graphFields } from '../output/format-graphs.ts';
import { formatOutline } from '../output/format-outline.ts';
import type { Target } from '../targets/target.ts';

const parseDimensions = (texts: readonly string[]): Dimensions =>
  Object.fromEntries(
    texts.map((text) => {
      const [, name, size] = /^(.+)=([1-9][0-9]*)$/.exec(text) ?? [];
      if (name === undefined) misuse(`--dimension is ${text}, expected <name>=<size>, such as batch=2`);
      return [name, Number(size)];
    }),
  );

const parseMaxBatch = (text: string): number => {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  misuse(`--max-batch is ${text}, expected a number of rows from 1`);
};

const describeLoad = ({ createMs, baked }: PushedModel['graphs'][string]): string =>
  `${createMs} ms on this computer${baked ? `; outputs differ from ${baked.from} by ${baked.maxDifference}` : ''}`;

const describePushed = (
  pushed: PushedModel,
  target: Target,
  dryRun: boolean,
  publicKey: string | undefined,
): string => {
  const { name, version, stable, task, reason, graphs, files, alternatives, notes, example, outline } = pushed;
  const fields = formatFields({
    task: `${task} (${reason})`,
    ...graphFields(graphs, describeLoad),
    files: `${formatBytes(totalBytes(files))} in ${files.length}: ${files.map(({ path }) => path).join(', ')}`,
    ...(alternatives.length > 0 && { 'left out': `${alternatives.join(', ')} (pushed when named)` }),
    ...(notes.length > 0 && { note: [...notes] }),
    ...(target.functionOf && { function: target.functionOf(name) }),
    ...(publicKey !== undefined && { 'signed for': publicKey.trim().split('\n') }),
  });
  const answers = version === stable;
  const run = (command: string): string => `npx onnx-serverless ${command}${target.options}`;
  return [
    `${dryRun ? 'Would push' : 'Pushed'} ${name} version ${version} to ${target.repository.store.location}`,
    fields,
    ...(outline ? [formatOutline(outline)] : []),
    ...(answers ? [] : [`Version ${stable} goes on answering until: ${run(`promote ${name} ${version}`)}`]),
    `Try it: ${run(`predict ${answers ? name : `${name}/${version}`} ${example}`)}`,
  ].join('\n');
};

/** `Record` makes the compiler refuse a new step that has no label. */
const STEP_LABELS: Record<PrepareStep, string> = {
  'its conversion': 'Converting the model',
  'its hashes': 'Reading and hashing the files',
  'its load': 'Loading the graphs',
  'its trial run': 'Running the model',
  'its baking': 'Baking the graphs',
};

export const push = defineCommand({
  summary: 'publish a model as its next version',
  description: `Publishes an ONNX file, a model of scikit-learn, Keras, XGBoost or LightGBM, which it converts, or a folder as Hugging Face's
Optimum writes it (model.onnx or onnx/model.onnx, config.json, preprocessor_config.json, …). A trial run comes first: a model that cannot be
served is refused. The first version of a model answers at once, a later one when it is promoted.`,
  positionals: ['file|folder'],
  options: {
    name: { type: 'string', value: '<name>', description: 'default: the name of the folder or file' },
    task: {
      type: 'string',
      value: '<task>',
      description: 'default: the task that the folder names; tensor for a file alone',
    },
    dimension: {
      type: 'string',
      multiple: true,
      value: '<name>=<size>',
      description:
        'size of a variable dimension in the trial run; <input>:<axis>=<size> for one without a name, such as audio:1=512',
    },
    'max-batch': {
      type: 'string',
      value: '<rows>',
      description: 'most rows that run together (default: 32; images for object-detection: 1)',
    },
    'chat-template': {
      type: 'string',
      value: '<file.jinja>',
      description: 'the chat template of a model that generates text, in the place of its own',
    },
    'no-bake': { type: 'boolean', description: 'publish and load the graphs as they are' },
    warmup: {
      type: 'string',
      multiple: true,
      value: '<file>',
      description: 'a warm-up input: it runs after each load of the model, before the first request',
    },
    sign: { type: 'string', value: '<key.pem>', description: 'sign the version with this Ed25519 private key' },
    promote: { type: 'boolean', description: 'let the version answer at once' },
    resume: { type: 'boolean', description: 'go on with an interrupted push of the same files' },
    ...CHANGE_OPTIONS,
  },
  onInterruption: (typed, words) => {
    const again = words.includes('--resume') ? typed : `${typed} --resume`;
    return `Interrupted. A version appears only when it is whole, and files that were sent stay. Go on with: ${again}\n`;
  },
  async run({ positionals: [path = ''], values, target: findTarget, terminal, startTrial }) {
    const dimensions = parseDimensions(values.dimension ?? []);
    if (values.name !== undefined) parseModelName(values.name);
    const { task } = values;
    if (task !== undefined) fromWords(() => parseTask(task));
    const signer = values.sign === undefined ? undefined : await readSigner(values.sign);
    const dryRun = values['dry-run'] ?? false;
    const target = await findTarget({ mayCreate: true });
    const onStep = (step: PrepareStep): void => terminal.step(STEP_LABELS[step]);
    const pushed = await pushModel(target.repository, path, {
      onStep,
      ...(startTrial && { startTrial }),
      ...(values.name !== undefined && { name: values.name }),
      ...(task !== undefined && { task }),
      ...(signer && { sign: signer.sign }),
      dimensions,
      ...(values['max-batch'] !== undefined && { maxBatch: parseMaxBatch(values['max-batch']) }),
      ...(values['chat-template'] !== undefined && { chatTemplate: values['chat-template'] }),
      bake: !(values['no-bake'] ?? false),
      warmup: values.warmup ?? [],
      promote: values.promote ?? false,
      resume: values.resume ?? false,
      note: values.note ?? '',
      dryRun,
      onProgress: terminal.progress('Uploading'),
    }).finally(() => terminal.step(''));
    const { publicKey } = signer ?? {};
    const { location } = target.repository.store;
    const { example: _example, ...described } = pushed;
    const functionName = target.functionOf?.(pushed.name);
    const served = functionName !== undefined && { function: functionName };
    const json = { ...described, location, dryRun, ...served, ...(publicKey !== undefined && { publicKey }) };
    return { text: describePushed(pushed, target, dryRun, publicKey), json };
  },
});
