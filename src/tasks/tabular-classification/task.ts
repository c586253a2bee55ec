import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import { formatSpec, type Signature } from '../../core/tensor.ts';
import type { Row } from '../../media/table/rows.ts';
import {
  blankTable,
  decodeTable,
  nameRow,
  readNumbers,
  readTable,
  type TableSource,
  toFeeds,
} from '../../media/table/steps.ts';
import { columnsSchema, createTable, type Table } from '../../media/table/table.ts';
import { assertKnownParameters, readTopK } from '../parameters.ts';
import { topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';

const settingsSchema = v.object({
  /** Left out, the graph's inputs name the columns. */
  columns: v.optional(columnsSchema),
  /** Label of each class, in the order of the scores. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
});

interface Request {
  readonly source: TableSource;
  readonly topK: number;
}

/** The scores float[N,C] among the outputs; the predicted label beside them is the one of the best score. @throws `MODEL_INVALID` */
const findScores = ({ outputs }: Signature): string => {
  const floats = outputs.filter(
    ({ dtype, shape }) => dtype.startsWith('float') && dtype !== 'float16' && shape.length === 2,
  );
  const [scores = undefined, ...others] =
    floats.length === 1 ? floats : floats.filter(({ name }) => /prob/i.test(name));
  if (scores !== undefined && others.length === 0) return scores.name;
  throw new ServingError(
    'MODEL_INVALID',
    `tabular-classification needs one output of scores float32[N,classes], such as "probabilities" of skl2onnx; the graph has ${outputs.map((output) => `${output.name} ${formatSpec(output)}`).join(', ')}`,
  );
};

const steps = (table: Table, labels: readonly string[], scores: string): SinglePass<Request, Row, undefined> => ({
  blank: { source: blankTable(table), topK: Number.POSITIVE_INFINITY },
  outputNames: [scores],

  decode(payload) {
    assertKnownParameters(payload.parameters, ['top_k']);
    return { source: decodeTable(payload, table), topK: readTopK(payload.parameters, labels.length) };
  },

  prepare: ({ source }) => readTable(source, table),

  collate: (rows) => toFeeds(rows, table),

  postprocess: (outputs, { source, topK }, rows) =>
    jsonAnswer(
      rows.map((row, index) => {
        const numbers = readNumbers(outputs[index] ?? {}, scores, row, table, nameRow(source, index));
        return topLabels(numbers, labels, topK);
      }),
    ),
});

/**
 * Rows of a table → `[[{label, score}]]`: for each row its labels, best first; equal scores keep the order of the labels.
 * Graph: columns as one input [N,F], one for each or one for each type → scores float[N,C], as skl2onnx writes it.
 *
 * @throws `MODEL_INVALID` when `settings` and `signature` do not fit each other
 */
export const createTabularClassification = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `tabular-classification settings: ${v.summarize(parsed.issues)}`);
  const { columns, labels } = parsed.output;
  return singlePass(steps(createTable(columns, signature), labels, findScores(signature)));
};
