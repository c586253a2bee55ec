import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import type { Signature } from '../../core/tensor.ts';
import type { Row } from '../../media/table/rows.ts';
import {
  blankTable,
  decodeTable,
  groupOfRow,
  nameRow,
  readNumbers,
  readTable,
  type TableSource,
  toFeeds,
} from '../../media/table/steps.ts';
import { createTable, type Table } from '../../media/table/table.ts';
import { formatSpecs } from '../format-specs.ts';
import { assertKnownParameters, readTopK } from '../parameters.ts';
import { topLabels } from '../scores.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { settingsSchema, type TabularClassificationSettings } from './settings.ts';

interface Request {
  readonly source: TableSource;
  readonly topK: number;
}

/** The name of the scores float[N,C]; an output with the predicted label is passed over. @throws `MODEL_INVALID` */
const findScores = ({ outputs }: Signature): string => {
  const floats = outputs.filter(
    ({ dtype, shape }) => dtype.startsWith('float') && dtype !== 'float16' && shape.length === 2,
  );
  const [scores = undefined, ...others] =
    floats.length === 1 ? floats : floats.filter(({ name }) => /prob/i.test(name));
  if (scores !== undefined && others.length === 0) return scores.name;
  throw new ServingError(
    'MODEL_INVALID',
    `tabular-classification needs one output of scores float32[N,classes], such as "probabilities" of skl2onnx; the graph has ${formatSpecs(outputs)}`,
  );
};

const steps = (table: Table, labels: readonly string[], scores: string): SinglePass<Request, Row, undefined> => ({
  blank: { source: blankTable(table), topK: Number.POSITIVE_INFINITY },
  outputNames: [scores],

  decode(payload) {
    assertKnownParameters(payload.parameters, ['top_k']);
    return { source: decodeTable(payload, table), topK: readTopK(payload.parameters, labels.length) };
  },

  prepare: ({ source }, _, deadline) => readTable(source, table, deadline),

  group: (row) => groupOfRow(row, table),

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
 * Rows of a table → `[[{label, score}]]`: the labels of each row, best first; equal scores keep the order of the labels.
 * Graph: columns as one input [N,F], one for each column or one for each type → scores float[N,C], as skl2onnx writes it.
 */
export const tabularClassification: TaskType<TabularClassificationSettings> = {
  settings: settingsSchema,
  create({ columns, labels }, version) {
    const signature = signatureOf(version);
    return singlePass(steps(createTable(columns, signature), labels, findScores(signature)));
  },
};
