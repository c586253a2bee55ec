import { jsonAnswer } from '../../core/answer.ts';
import { describeTable } from '../../media/table/features.ts';
import { type Row, tableOf } from '../../media/table/rows.ts';
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
import { rowElements } from '../elements.ts';
import { readParameters } from '../parameters.ts';
import { type SinglePass, singlePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { answerHead, answerLabels, type ReadNumbers } from './answer.ts';
import { type Heads, readHeads } from './heads.ts';
import { PARAMETERS } from './parameters.ts';
import { settingsSchema, type TabularClassificationSettings } from './settings.ts';

interface Request {
  readonly source: TableSource;
  readonly topK: number;
  /** Answers the best label of each row alone, as the Hugging Face API does for a `table`. */
  readonly isLabelOnly: boolean;
}

const namesOf = ({ heads }: Heads): string[] => {
  const places = heads.flatMap(({ scores, label }) => [...scores, ...(label === undefined ? [] : [label])]);
  return [...new Set(places.map(({ name }) => name))];
};

const steps = (
  table: Table,
  heads: Heads,
  settings: TabularClassificationSettings,
): SinglePass<Request, Row, undefined> => {
  const answerOne = heads.isMultiLabel ? answerLabels : answerHead;
  const mostLabels = Math.max(...heads.heads.map(({ labels }) => labels.length));
  return {
    blank: { source: blankTable(table), topK: Number.POSITIVE_INFINITY, isLabelOnly: false },
    outputNames: namesOf(heads),

    elements: rowElements,

    decode(payload) {
      const { top_k } = readParameters(payload.parameters, PARAMETERS);
      return {
        source: decodeTable(payload, table),
        topK: top_k ?? mostLabels,
        isLabelOnly: tableOf(payload.inputs) !== undefined,
      };
    },

    prepare: ({ source }, _, deadline) => readTable(source, table, deadline),

    describe: ({ source }, { deadline }) => describeTable(source, table, deadline),

    group: (row) => groupOfRow(row, table),

    collate: (rows) => toFeeds(rows, table),

    postprocess: (outputs, { source, topK, isLabelOnly }, rows) =>
      jsonAnswer(
        rows.map((row, index) => {
          const tensors = outputs[index] ?? {};
          const read: ReadNumbers = (name) => readNumbers(tensors, name, row, table, nameRow(source, index));
          const answers = heads.heads.map((head) => answerOne(head, settings, tensors, read, isLabelOnly ? 1 : topK));
          const labels = isLabelOnly ? answers.map((each) => each[0]?.label) : answers;
          return settings.targets === undefined && answers.length === 1 ? labels[0] : labels;
        }),
      ),
  };
};

/**
 * Rows of a table → `[[{label, score}]]`: the labels of each row, the predicted one first, then by their scores; equal scores keep the order of
 * the labels. A model with several targets gives a list of labels for each target of a row.
 * Graph: columns as one input [N,F], one for each column or one for each type → scores float[N,C] and perhaps a label [N], as skl2onnx writes them.
 */
export const tabularClassification: TaskType<TabularClassificationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const signature = signatureOf(version);
    return singlePass(steps(createTable(settings.columns, signature), readHeads(signature, settings), settings));
  },
};
