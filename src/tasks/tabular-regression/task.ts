import { jsonAnswer } from '../../core/answer.ts';
import { ZEROS } from '../../core/blank.ts';
import { ServingError } from '../../core/errors.ts';
import type { Signature } from '../../core/tensor.ts';
import { describeTable } from '../../media/table/features.ts';
import type { Row } from '../../media/table/rows.ts';
import {
  blankTable,
  decodeTable,
  groupsOf,
  nameRow,
  readRowNumbers,
  readTable,
  type TableSource,
  toFeeds,
} from '../../media/table/steps.ts';
import { createTable, type Table } from '../../media/table/table.ts';
import { rowElements } from '../elements.ts';
import { formatSpecs } from '../format-specs.ts';
import { assertKnownParameters } from '../parameters.ts';
import { type TablePass, tablePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { settingsSchema, type TabularRegressionSettings } from './settings.ts';

/** The name of the only output, float[N] or float[N,targets]. @throws `MODEL_INVALID` */
const findTargets = ({ outputs }: Signature): string => {
  const [targets, ...others] = outputs;
  const isFloat = targets?.dtype === 'float32' || targets?.dtype === 'float64';
  if (isFloat && others.length === 0 && [1, 2].includes(targets.shape.length)) return targets.name;
  throw new ServingError(
    'MODEL_INVALID',
    `tabular-regression needs one output float32[N,targets]; the graph has ${formatSpecs(outputs)}`,
  );
};

const steps = (table: Table, targets: string): TablePass<TableSource, Row, undefined> => ({
  blank: blankTable(table, ZEROS),
  outputNames: [targets],

  elements: rowElements,

  decode(payload) {
    assertKnownParameters(payload.parameters, []);
    return decodeTable(payload, table);
  },

  prepare: (source, _, deadline) => readTable(source, table, deadline),

  describe: (source, { deadline }) => describeTable(source, table, deadline),

  ...groupsOf(table),

  collate: (rows) => toFeeds(rows, table),

  postprocess: (outputs, source, rows) =>
    jsonAnswer(
      outputs.map((place, index) => {
        const numbers = readRowNumbers(place, targets, rows[index] ?? [], table, nameRow(source, index));
        return numbers.length === 1 ? numbers[0] : numbers;
      }),
    ),
});

/**
 * Rows of a table → a list with a number for each row, or a list of numbers for each row of a model with several targets.
 * Graph: columns as one input [N,F], one for each column or one for each type → float[N,targets], as skl2onnx writes it.
 */
export const tabularRegression: TaskType<TabularRegressionSettings> = {
  settings: settingsSchema,
  create({ columns }, version) {
    const signature = signatureOf(version);
    const table = createTable(columns, signature);
    return { ...tablePass(steps(table, findTargets(signature))), blank: (blank) => blankTable(table, blank) };
  },
};
