import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { jsonValueOf } from '../../../src/core/answer.ts';
import { NEVER } from '../../../src/core/deadline.ts';
import type { Graph } from '../../../src/core/graph.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { createSession } from '../../../src/engine/session.ts';
import { collateEncodings } from '../../../src/media/text/collate.ts';
import { loadTokenizer } from '../../../src/media/text/tokenizer.ts';
import { answerOne } from '../../../src/tasks/answer-one.ts';
import { graphOf } from '../../../src/tasks/graph-of.ts';
import { createTask } from '../../../src/tasks/index.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import { formatTolerance, graphTolerance } from '../processors/tolerances.ts';
import { createTestServing, pushNamed, type TestServing } from '../serving.ts';
import type { ParityRow } from './parity-row.ts';
import { EXACT, withRecordedOutputs } from './recorded-outputs.ts';

type ReferenceEntity = readonly [
  label: string,
  score: number,
  word: string,
  start: number,
  end: number,
  index?: number,
];

interface Reference {
  readonly texts: readonly string[];
  readonly models: Readonly<
    Record<
      string,
      {
        /** float32[1,T,L] of each text, cut at the model's length. */
        readonly logits: readonly string[];
        readonly answers: readonly {
          /** Index of the text. */
          readonly text: number;
          readonly parameters: Readonly<Record<string, unknown>>;
          readonly entities: readonly ReferenceEntity[];
        }[];
      }
    >
  >;
}

interface AnsweredEntity {
  readonly entity?: string;
  readonly entity_group?: string;
  readonly score: number;
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly index?: number;
}

/** How one model fares against the pipeline of `transformers`. */
export interface TokenClassificationParity {
  readonly model: string;
  readonly texts: number;
  readonly answers: number;
  readonly entities: number;
  /** Answers whose labels, words, places or number differ, as what came and what was expected. */
  readonly different: readonly unknown[];
  readonly scoreDifference: number;
  readonly logitDifference: number;
}

const largest = (values: readonly number[]): number => values.reduce((worst, value) => Math.max(worst, value), 0);

/** Everything of an entity but its score. */
const identity = ([label, , word, start, end, index]: ReferenceEntity) => ({ label, word, start, end, index });

const toReference = ({ entity, entity_group, score, word, start, end, index }: AnsweredEntity): ReferenceEntity => [
  (entity ?? entity_group) as string,
  ...([score, word, start, end] as const),
  index as number,
];

const measureLogits = async (name: string, texts: readonly string[], expected: readonly string[]): Promise<number> => {
  const folder = path.join(FIXTURES, 'models', name);
  const session = await createSession(path.join(folder, 'model.onnx'), 1_769);
  const tokenizer = await loadTokenizer((file) => readFile(path.join(folder, file)));
  const differences: number[] = [];
  for (const [index, text] of texts.entries()) {
    const feeds = collateEncodings([tokenizer.encode(text)], session.signature, tokenizer);
    const actual = (await session.run(feeds)).logits?.data as Float32Array;
    const reference = decodeFloats(expected[index] as string);
    if (actual.length !== reference.length) throw new Error(`${actual.length} logits, expected ${reference.length}`);
    differences.push(...actual.map((logit, at) => Math.abs(logit - (reference[at] as number))));
  }
  await session.release();
  return largest(differences);
};

const measureModel = async (
  serving: TestServing,
  reference: Reference,
  name: string,
): Promise<TokenClassificationParity> => {
  const { texts } = reference;
  const { logits, answers } = reference.models[name] as Reference['models'][string];
  await pushNamed(serving.repository, name);
  const different: unknown[] = [];
  const scoreDifferences: number[] = [];
  const bundle = await serving.repository.bundle(name, 1);
  const task = await createTask(bundle);
  await serving.models.use(bundle, NEVER, async ({ graphs, resources }) => {
    const own = graphOf(graphs);
    for (const { text, parameters, entities: expected } of answers) {
      const request = task.decode({ inputs: texts[text], parameters });
      const answerBy = async (model: Graph) =>
        jsonValueOf(
          await answerOne(task, { graphs: { model }, resources, maxBatch: 1, deadline: NEVER }, request),
        ) as AnsweredEntity[];
      let runs = 0;
      const counting = { ...own, run: (feeds: Tensors) => own.run(feeds).finally(() => (runs += 1)) };
      const ownAnswer = await answerBy(counting);
      // The logits of the reference are those of a whole text; a long one is run in pieces.
      const recorded = { logits: decodeFloats(logits[text] ?? '') };
      const answer = runs === 1 ? await answerBy(withRecordedOutputs(own, recorded)) : ownAnswer;
      const actual = answer.map(toReference);
      if (JSON.stringify(actual.map(identity)) !== JSON.stringify(expected.map(identity)))
        different.push({ text: texts[text], parameters, answer, expected });
      else scoreDifferences.push(...actual.map(([, score], at) => Math.abs(score - (expected[at]?.[1] ?? 0))));
    }
  });
  return {
    model: name,
    texts: texts.length,
    answers: answers.length,
    entities: answers.reduce((sum, { entities }) => sum + entities.length, 0),
    different,
    scoreDifference: largest(scoreDifferences),
    logitDifference: await measureLogits(name, texts, logits),
  };
};

/** Asks for every answer that the reference has, from its logits. */
export const compareTokenClassification = async (): Promise<TokenClassificationParity[]> => {
  const reference = (await readJson(path.join(FIXTURES, 'reference/token-classification.json'))) as Reference;
  const serving = await createTestServing();
  try {
    const models: TokenClassificationParity[] = [];
    for (const name of Object.keys(reference.models)) models.push(await measureModel(serving, reference, name));
    return models;
  } finally {
    await serving.remove();
  }
};

/** The rows of the task's page. */
export const tokenClassificationRows = (models: readonly TokenClassificationParity[]): ParityRow[] =>
  models.flatMap(({ model, texts, answers, different, scoreDifference, logitDifference }): ParityRow[] => [
    {
      ...{ model, inputs: texts, compared: 'logits' },
      ...{ worst: logitDifference.toExponential(1), bar: formatTolerance(graphTolerance(`${model}/model.onnx`)) },
    },
    {
      ...{ model, inputs: answers, compared: 'labels, words, start, end, index from the same logits' },
      ...{ worst: different.length === 0 ? 'identical' : `${different.length} differ`, bar: 'identical' },
    },
    {
      ...{ model, inputs: answers, compared: 'scores from the same logits' },
      ...{
        worst: scoreDifference.toExponential(1),
        bar: formatTolerance(EXACT + graphTolerance(`${model}/model.onnx`)),
      },
    },
  ]);
