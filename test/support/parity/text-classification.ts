import { readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { jsonValueOf } from '../../../src/core/answer.ts';
import { NEVER } from '../../../src/core/deadline.ts';
import { answerOne } from '../../../src/tasks/answer-one.ts';
import { graphOf } from '../../../src/tasks/graph-of.ts';
import { createTask } from '../../../src/tasks/index.ts';
import type { TextClassificationAnswer } from '../../../src/tasks/text-classification/task.ts';
import { formatTolerance, graphTolerance } from '../processors/tolerances.ts';
import { createTestServing, pushNamed, type TestServing } from '../serving.ts';
import { askTexts } from './ask-texts.ts';
import type { ParityRow } from './parity-row.ts';
import { EXACT, withRecordedOutputs } from './recorded-outputs.ts';

const FUNCTIONS = ['default', 'softmax', 'sigmoid', 'none'] as const;

interface Expected {
  readonly logits: readonly number[];
  readonly truncated: boolean;
  /** Best first. */
  readonly labels: readonly string[];
  readonly scores: Readonly<Record<(typeof FUNCTIONS)[number], readonly number[]>>;
}

interface Reference {
  readonly texts: readonly string[];
  readonly pairs: readonly (readonly [string, string])[];
  readonly models: Readonly<Record<string, { readonly results: string }>>;
}

/** How far the score of each label lies from the reference's. */
const differences = (
  answer: TextClassificationAnswer[number],
  labels: readonly string[],
  scores: readonly number[],
): number[] => {
  const own = new Map(answer.map(({ label, score }) => [label, score]));
  return labels.map((label, rank) => Math.abs((own.get(label) ?? Number.NaN) - (scores[rank] ?? Number.NaN)));
};

const parametersOf = (name: (typeof FUNCTIONS)[number]) => (name === 'default' ? {} : { function_to_apply: name });

/** How one model fares with every text and pair of the reference, sent as one list. */
export interface TextClassificationParity {
  readonly model: string;
  readonly inputs: number;
  readonly logitDifference: number;
  readonly scoreDifference: number;
  /** Inputs whose labels are in another order, from the same logits. */
  readonly otherOrder: readonly number[];
  /** Inputs that were cut here and not there, or there and not here. */
  readonly otherCut: readonly number[];
}

/** Scores by the function of the model and of the caller, from the logits of the reference. */
const measureScores = async (
  serving: TestServing,
  model: string,
  inputs: readonly unknown[],
  expected: readonly Expected[],
): Promise<Pick<TextClassificationParity, 'scoreDifference' | 'otherOrder'>> => {
  const bundle = await serving.repository.bundle(model, 1);
  const task = await createTask(bundle);
  const otherOrder = new Set<number>();
  let scoreDifference = 0;
  await serving.models.use(bundle, NEVER, async ({ graphs, resources }) => {
    for (const [index, { scores, labels, logits }] of expected.entries())
      for (const name of FUNCTIONS) {
        const request = task.decode({ inputs: [inputs[index]], parameters: parametersOf(name) });
        const graph = withRecordedOutputs(graphOf(graphs), { logits: Float32Array.from(logits) });
        const answer = await answerOne(
          task,
          { graphs: { model: graph }, resources, maxBatch: 1, deadline: NEVER },
          request,
        );
        const [own = []] = jsonValueOf(answer) as TextClassificationAnswer;
        scoreDifference = Math.max(scoreDifference, ...differences(own, labels, scores[name]));
        if (String(own.map(({ label }) => label)) !== String(labels)) otherOrder.add(index);
      }
  });
  return { scoreDifference, otherOrder: [...otherOrder] };
};

const measureModel = async (
  serving: TestServing,
  model: string,
  inputs: readonly unknown[],
  expected: readonly Expected[],
): Promise<TextClassificationParity> => {
  const { answers, cut } = await askTexts<TextClassificationAnswer[number]>(
    serving,
    model,
    inputs,
    parametersOf('none'),
  );
  let logitDifference = 0;
  const otherCut: number[] = [];
  for (const [index, { scores, labels, truncated }] of expected.entries()) {
    const answer = answers[index] ?? [];
    logitDifference = Math.max(logitDifference, ...differences(answer, labels, scores.none));
    const says = answer.every((entry) => entry.truncated === (truncated || undefined));
    if (cut.includes(index) !== truncated || !says) otherCut.push(index);
  }
  return {
    ...{ model, inputs: inputs.length, logitDifference, otherCut },
    ...(await measureScores(serving, model, inputs, expected)),
  };
};

/** Every model of the reference against optimum-onnx with the pipeline of `transformers`. */
export const measureModels = async (): Promise<TextClassificationParity[]> => {
  const { texts, pairs, models } = JSON.parse(
    await readFile('test/fixtures/reference/text-classification.json', 'utf8'),
  ) as Reference;
  const inputs = [...texts, ...pairs.map(([text, pair]) => ({ text, text_pair: pair }))];
  const serving = await createTestServing();
  const rows: TextClassificationParity[] = [];
  for (const [model, { results }] of Object.entries(models)) {
    const expected = JSON.parse(inflateSync(Buffer.from(results, 'base64')).toString()) as Expected[];
    await pushNamed(serving.repository, model);
    rows.push(await measureModel(serving, model, inputs, expected));
  }
  await serving.remove();
  return rows;
};

/** The rows of the task's page. */
export const textClassificationRows = (models: readonly TextClassificationParity[]): ParityRow[] =>
  models.flatMap(({ model, inputs, logitDifference, scoreDifference, otherOrder, otherCut }) => [
    {
      ...{ model, inputs, compared: 'logits', worst: logitDifference.toExponential(1) },
      bar: formatTolerance(graphTolerance(`${model}/model.onnx`)),
    },
    {
      ...{ model, inputs, compared: 'scores from the same logits', worst: scoreDifference.toExponential(1) },
      bar: formatTolerance(EXACT),
    },
    {
      ...{ model, inputs, compared: 'order of labels from the same logits, texts that were cut', bar: 'identical' },
      worst: otherOrder.length + otherCut.length === 0 ? 'identical' : `${otherOrder.length + otherCut.length} differ`,
    },
  ]);
