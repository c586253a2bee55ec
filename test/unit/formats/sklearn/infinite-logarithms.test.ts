import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { parseColumns } from '../../../support/parity/sklearn-texts.ts';
import { runGraph, worstDifference } from '../../../support/parity/sklearn-transformers.ts';

const FOLDER = 'test/fixtures/formats/sklearn-infinite';

interface Expected {
  readonly texts: readonly string[];
  readonly models: Readonly<
    Record<string, { readonly label: readonly number[]; readonly probabilities: readonly (number | null)[] }>
  >;
}

const expected: Expected = JSON.parse(await readFile(`${FOLDER}/expected.json`, 'utf8'));
const models = readPickle(await readFile(`${FOLDER}/models.joblib`));

it.each(Object.entries(expected.models))(
  'a word that its training did not have with a class leaves other texts their answers: %s',
  async (name, { label, probabilities }) => {
    const { onnx, config } = importSklearn(models instanceof Map ? (models.get(name) ?? null) : null);
    const rows = expected.texts.map((text) => ({ text }));
    const outputs = await runGraph(Buffer.concat([...onnx]), parseColumns(config), rows, ['text']);
    const scores: Float64Array = Object(outputs.probabilities);
    const numbers = probabilities.map((value) => value ?? Number.NaN);
    // Where scikit-learn's scores of a text have a NaN, softmax makes both of them NaN.
    const hasNone = (place: number): boolean =>
      numbers
        .slice(place - (place % 2))
        .slice(0, 2)
        .some(Number.isNaN);
    const reference = numbers.map((value, place) => (hasNone(place) ? Number.NaN : value));
    expect(worstDifference(scores, reference)).toBeLessThan(1e-12);
    const best = expected.texts.map((_, row) => Number((scores[2 * row + 1] ?? 0) > (scores[2 * row] ?? 0)));
    expect(outputs.label === undefined ? best : Array.from(Object(outputs.label), Number)).toEqual(label);
  },
);
