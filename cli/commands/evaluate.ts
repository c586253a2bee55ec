import type { AnsweringModel } from '../../src/evaluation/answer-batch.ts';
import { evaluate as evaluateModels } from '../../src/evaluation/evaluate.ts';
import { openSamples } from '../../src/evaluation/samples/read-samples.ts';
import { defineCommand, type Invocation, type Options } from '../command.ts';
import { misuse } from '../options/misuse.ts';
import { parseReference, REFERENCE_HELP } from '../options/model-reference.ts';
import { formatEvaluation } from '../output/evaluation-report.ts';
import { answeringVersion, withUnpushedModel } from '../targets/answering-model.ts';

/** A model that was pushed, such as `name/3`; any other text is a path. */
const REFERENCE = /^(models:\/)?[^/@.]+(\/[0-9]+|@[^/]+)?$/;

const parseSeed = (text: string): number => {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  misuse(`--seed is ${text}, expected an integer from 0`);
};

/** The text of `--compare`: a number is another version of the model. */
const completeOther = (other: string, model: string): string => {
  if (!/^[0-9]+$/.test(other)) return other;
  if (REFERENCE.test(model)) return `${parseReference(model).name}/${other}`;
  misuse(`--compare is ${other}, a version, but ${model} is a path: name the model too`);
};

const withModel = async <T>(
  text: string,
  invocation: Pick<Invocation<Options>, 'target' | 'terminal' | 'startTrial'>,
  use: (model: AnsweringModel) => Promise<T>,
): Promise<T> => {
  if (!REFERENCE.test(text)) return withUnpushedModel(text, invocation, use);
  return use(await answeringVersion(await invocation.target(), parseReference(text), invocation.terminal));
};

export const evaluate = defineCommand({
  summary: 'measure a model on labelled samples',
  description: `Measures a model on samples with labels, each figure with its 95 % interval, and prints a report in Markdown. Samples are JSON Lines, CSV
with a header, or a folder with a subfolder for each label. A text generator needs no labels: its perplexity is told. The model is one that was
pushed, or a file or folder as push takes it, with a / or a dot in its path. ${REFERENCE_HELP}`,
  positionals: ['model|file|folder'],
  options: {
    data: { type: 'string', value: '<file|folder>', description: 'the samples' },
    compare: {
      type: 'string',
      value: '<version|model|path>',
      description: 'a second model, on the same samples; without labels, the agreement of both',
    },
    label: { type: 'string', value: '<name>', description: 'the field or column that holds the label' },
    seed: { type: 'string', value: '<number>', description: 'seed of the intervals (default: 1)' },
  },
  onInterruption: () => 'Interrupted. Nothing was written.\n',
  async run({ positionals: [text = ''], values: { data, compare, label, seed = '1' }, target: findTarget, ...rest }) {
    const { terminal } = rest;
    if (data === undefined) misuse('the samples are missing: name them with --data <file|folder>');
    const options = { seed: parseSeed(seed), onProgress: terminal.progress('Evaluating') };
    const samples = await openSamples(data, label);
    let found: ReturnType<typeof findTarget> | undefined;
    const target = () => {
      found ??= findTarget();
      return found;
    };
    const evaluation = await withModel(text, { ...rest, target }, (first) =>
      compare === undefined
        ? evaluateModels(samples, [first], options)
        : withModel(completeOther(compare, text), { ...rest, target }, (second) =>
            evaluateModels(samples, [first, second], options),
          ),
    );
    return { text: formatEvaluation(data, evaluation), json: { data, ...evaluation } };
  },
});
