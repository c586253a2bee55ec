import { join } from 'node:path';
import type { LabelScore } from '../../../src/tasks/scores.ts';
import { decodeFloats, FIXTURES, readJson } from '../image-parity.ts';
import { answerTolerance, formatTolerance } from '../processors/tolerances.ts';
import { createTestServing, pushNamed } from '../serving.ts';
import type { ParityRow } from './parity-row.ts';

interface Case {
  readonly model: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

interface Classified extends Case {
  /** In the order of the probabilities. */
  readonly classes: readonly string[];
  /** What scikit-learn predicts for each row. */
  readonly labels: readonly string[];
  readonly probabilities: string;
}

interface Regressed extends Case {
  readonly targets: number;
  readonly values: string;
}

const barOf = (model: string): string => formatTolerance(answerTolerance(`${model}/model.onnx`));

const readCases = async <C extends Case>(task: string): Promise<C[]> =>
  (await readJson(join(FIXTURES, `reference/${task}.json`))) as C[];

/** Pushes the model of each case, and asks it over HTTP. */
const ask = async <C extends Case>(
  cases: readonly C[],
  compare: (answer: never, one: C) => ParityRow[],
): Promise<ParityRow[]> => {
  const serving = await createTestServing();
  const rows: ParityRow[] = [];
  for (const one of cases) {
    await pushNamed(serving.repository, one.model);
    const response = await serving.fetch(`/models/${one.model}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: one.rows }),
    });
    if (!response.ok) throw new Error(`${one.model}: ${await response.text()}`);
    rows.push(...compare((await response.json()) as never, one));
  }
  await serving.remove();
  return rows;
};

const worst = (differences: readonly number[]): string => Math.max(0, ...differences).toExponential(1);

export const measureTabularClassification = async (): Promise<ParityRow[]> =>
  ask(await readCases<Classified>('tabular-classification'), (answer: LabelScore[][], one) => {
    const { model, rows, classes, labels } = one;
    const expected = decodeFloats(one.probabilities);
    const differences = rows.flatMap((_, row) =>
      classes.map((label, index) => {
        const score = answer[row]?.find((found) => found.label === label)?.score ?? Number.NaN;
        return Math.abs(score - (expected[row * classes.length + index] ?? Number.NaN));
      }),
    );
    const others = rows.filter((_, row) => answer[row]?.[0]?.label !== labels[row]).length;
    return [
      { model, inputs: rows.length, compared: 'probabilities', worst: worst(differences), bar: barOf(model) },
      {
        model,
        inputs: rows.length,
        compared: 'first label',
        worst: others === 0 ? 'identical' : `${others} differ`,
        bar: 'identical',
      },
    ];
  });

export const measureTabularRegression = async (): Promise<ParityRow[]> =>
  ask(await readCases<Regressed>('tabular-regression'), (answer: (number | number[])[], one) => {
    const { model, rows, targets } = one;
    const expected = decodeFloats(one.values);
    const actual = answer.flat();
    if (actual.length !== rows.length * targets) throw new Error(`${model}: ${actual.length} values`);
    // Large values are compared by their share: a float32 has seven digits.
    const differences = actual.map((value, index) => {
      const reference = expected[index] ?? Number.NaN;
      return Math.abs(value - reference) / Math.max(1, Math.abs(reference));
    });
    return [{ model, inputs: rows.length, compared: 'values', worst: worst(differences), bar: barOf(model) }];
  });
