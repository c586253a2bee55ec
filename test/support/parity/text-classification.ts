import { readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import type { TextClassificationAnswer } from '../../../src/tasks/text-classification/task.ts';
import { createTestServing, pushNamed, type TestServing } from '../serving.ts';
import { askTexts } from './ask-texts.ts';
import type { ParityRow } from './parity-row.ts';

const FUNCTIONS = ['default', 'softmax', 'sigmoid', 'none'] as const;

/** How far labels have to be apart in the reference for their order to be compared. */
const SURE = 1e-4;

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

const byLabel = (answer: TextClassificationAnswer[number]): Map<string, number> =>
  new Map(answer.map(({ label, score }) => [label, score]));

/** How one model fares with every text and pair of the reference, sent as one list. */
export interface TextClassificationParity {
  readonly model: string;
  readonly inputs: number;
  readonly logitDifference: number;
  readonly scoreDifference: number;
  /** Inputs whose labels are in another order than the reference is sure of. */
  readonly otherOrder: readonly number[];
  /** Inputs that were cut here and not there, or there and not here. */
  readonly otherCut: readonly number[];
}

const measureModel = async (
  serving: TestServing,
  model: string,
  inputs: readonly unknown[],
  expected: readonly Expected[],
): Promise<TextClassificationParity> => {
  const differences = { logits: 0, scores: 0 };
  const otherOrder = new Set<number>();
  const otherCut = new Set<number>();
  for (const name of FUNCTIONS) {
    const parameters = name === 'default' ? {} : { function_to_apply: name };
    const { answers, cut } = await askTexts<TextClassificationAnswer[number]>(serving, model, inputs, parameters);
    expected.forEach(({ scores, labels, truncated, logits }, index) => {
      const answer = answers[index] ?? [];
      const mine = byLabel(answer);
      const difference = Math.max(
        ...labels.map((label, rank) => Math.abs((mine.get(label) ?? Number.NaN) - (scores[name][rank] as number))),
      );
      const kind = name === 'none' ? 'logits' : 'scores';
      differences[kind] = Math.max(differences[kind], difference);
      const sorted = logits.toSorted((a, b) => b - a);
      const isSure = sorted.every((logit, rank) => rank === 0 || (sorted[rank - 1] as number) - logit > SURE);
      if (isSure && String(answer.map(({ label }) => label)) !== String(labels)) otherOrder.add(index);
      const says = answer.every((entry) => entry.truncated === (truncated || undefined));
      if (cut.includes(index) !== truncated || !says) otherCut.add(index);
    });
  }
  return {
    ...{ model, inputs: inputs.length, logitDifference: differences.logits, scoreDifference: differences.scores },
    ...{ otherOrder: [...otherOrder], otherCut: [...otherCut] },
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
export const measureTextClassification = async (): Promise<ParityRow[]> =>
  (await measureModels()).flatMap(({ model, inputs, logitDifference, scoreDifference, otherOrder, otherCut }) => [
    { model, inputs, compared: 'logits', worst: logitDifference.toExponential(1), bar: '1e-4' },
    { model, inputs, compared: 'scores', worst: scoreDifference.toExponential(1), bar: '1e-4' },
    {
      ...{ model, inputs, compared: 'order of labels, texts that were cut', bar: 'identical' },
      worst: otherOrder.length + otherCut.length === 0 ? 'identical' : `${otherOrder.length + otherCut.length} differ`,
    },
  ]);
