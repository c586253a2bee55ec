import { readFile } from 'node:fs/promises';
import { POOL_NAMES, type PoolName } from '../../../src/tasks/feature-extraction/pooling.ts';
import { decodeFloats } from '../image-parity.ts';
import { answerTolerance, formatTolerance } from '../processors/tolerances.ts';
import { createTestServing, pushNamed, type TestServing } from '../serving.ts';
import { askTexts } from './ask-texts.ts';
import type { ParityRow } from './parity-row.ts';

interface ReferenceModel {
  readonly truncated: readonly number[];
  /** Vectors of all texts, as the model's own files say. */
  readonly own: string;
  readonly pooled: Readonly<Partial<Record<PoolName, string>>>;
  /** Vectors of the tokens of some texts. */
  readonly tokens: readonly { readonly index: number; readonly vectors: string }[];
}

interface Reference {
  readonly texts: readonly string[];
  readonly models: Readonly<Record<string, ReferenceModel>>;
}

/** How one model fares with every text of the reference. */
export interface FeatureExtractionParity {
  readonly model: string;
  readonly inputs: number;
  /** Largest difference of a number of a vector, by how it was made. */
  readonly differences: Readonly<Record<string, number>>;
  /** Texts that were cut here and not there, or there and not here. */
  readonly otherCut: readonly number[];
}

export const vectorTolerance = (model: string): number => answerTolerance(`${model}/model.onnx`);

/** The largest difference; infinite where the numbers are not as many. */
export const largestDifference = (vectors: readonly (readonly number[])[], expected: Float32Array): number => {
  const values = vectors.flat();
  if (values.length !== expected.length) return Number.POSITIVE_INFINITY;
  return values.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (expected[index] as number))), 0);
};

const measureModel = async (
  serving: TestServing,
  model: string,
  texts: readonly string[],
  { truncated, own, pooled, tokens }: ReferenceModel,
): Promise<FeatureExtractionParity> => {
  const ask = <Answer>(inputs: readonly string[], parameters: Readonly<Record<string, unknown>>) =>
    askTexts<Answer>(serving, model, inputs, parameters);
  const differences: Record<string, number> = {};
  const { answers, cut } = await ask<number[]>(texts, {});
  differences["the model's own"] = largestDifference(answers, decodeFloats(own));
  for (const name of POOL_NAMES) {
    const expected = pooled[name];
    if (expected === undefined) continue;
    const { answers: vectors } = await ask<number[]>(texts, { pooling: name, normalize: false });
    differences[name] = largestDifference(vectors, decodeFloats(expected));
  }
  if (tokens.length > 0) {
    const chosen = tokens.map(({ index }) => texts[index] as string);
    const { answers: ofTokens } = await ask<number[][]>(chosen, { pooling: 'none' });
    differences.none = Math.max(
      ...tokens.map(({ vectors }, index) => largestDifference(ofTokens[index] ?? [], decodeFloats(vectors))),
    );
  }
  const otherCut = texts.flatMap((_, index) => (cut.includes(index) === truncated.includes(index) ? [] : [index]));
  return { model, inputs: texts.length, differences, otherCut };
};

/** Every model of the reference against optimum-onnx with the pooling of sentence-transformers. */
export const measureModels = async (): Promise<FeatureExtractionParity[]> => {
  const { texts, models } = JSON.parse(
    await readFile('test/fixtures/reference/feature-extraction.json', 'utf8'),
  ) as Reference;
  const serving = await createTestServing();
  const rows: FeatureExtractionParity[] = [];
  for (const [model, reference] of Object.entries(models)) {
    await pushNamed(serving.repository, model);
    rows.push(await measureModel(serving, model, texts, reference));
  }
  await serving.remove();
  return rows;
};

/** The rows of the task's page. */
export const featureExtractionRows = (models: readonly FeatureExtractionParity[]): ParityRow[] =>
  models.flatMap(({ model, inputs, differences, otherCut }) => [
    ...Object.entries(differences).map(([pooling, difference]) => ({
      ...{ model, inputs, compared: `vectors, pooling ${pooling}`, worst: difference.toExponential(1) },
      bar: formatTolerance(vectorTolerance(model)),
    })),
    {
      ...{ model, inputs, compared: 'texts that were cut', bar: 'identical' },
      worst: otherCut.length === 0 ? 'identical' : `${otherCut.length} differ`,
    },
  ]);
