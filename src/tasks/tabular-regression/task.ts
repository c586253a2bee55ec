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
import { columnsSchema, createTable } from '../../media/table/table.ts';
import { assertKnownParameters } from '../parameters.ts';
import { singlePass } from '../single-pass.ts';
import type { Task } from '../task.ts';

const settingsSchema = v.object({
  /** Left out, the graph's inputs name the columns. */
  columns: v.optional(columnsSchema),
});

/** The only output float[N] or float[N,targets]. @throws `MODEL_INVALID` */
const findTargets = ({ outputs }: Signature): string => {
  const [targets, ...others] = outputs;
  const isFloat = targets?.dtype === 'float32' || targets?.dtype === 'float64';
  if (isFloat && others.length === 0 && [1, 2].includes(targets.shape.length)) return targets.name;
  throw new ServingError(
    'MODEL_INVALID',
    `tabular-regression needs one output float32[N,targets]; the graph has ${outputs.map((output) => `${output.name} ${formatSpec(output)}`).join(', ')}`,
  );
};

/**
 * Rows of a table → `[number]`: one for each row, or a list where the model has several targets.
 * Graph: columns as one input [N,F], one for each or one for each type → float[N,targets], as skl2onnx writes it.
 *
 * @throws `MODEL_INVALID` when `settings` and `signature` do not fit each other
 */
export const createTabularRegression = (settings: unknown, signature: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `tabular-regression settings: ${v.summarize(parsed.issues)}`);
  const table = createTable(parsed.output.columns, signature);
  const targets = findTargets(signature);
  return singlePass<TableSource, Row>({
    blank: blankTable(table),
    outputNames: [targets],

    decode(payload) {
      assertKnownParameters(payload.parameters, []);
      return decodeTable(payload, table);
    },

    prepare: (source) => readTable(source, table),

    collate: (rows) => toFeeds(rows, table),

    postprocess: (outputs, source, rows) =>
      jsonAnswer(
        rows.map((row, index) => {
          const numbers = readNumbers(outputs[index] ?? {}, targets, row, table, nameRow(source, index));
          return numbers.length === 1 ? numbers[0] : [...numbers];
        }),
      ),
  });
};
