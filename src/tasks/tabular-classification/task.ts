import { jsonAnswer } from '../../core/answer.ts';
import { type Blank, ZEROS } from '../../core/blank.ts';
import { describeTable } from '../../media/table/features.ts';
import { type Row, tableOf } from '../../media/table/rows.ts';
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
import { readParameters } from '../parameters.ts';
import { type TablePass, tablePass } from '../single-pass.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { answerHead, answerLabels, numberOf, type ReadNumbers } from './answer.ts';
import { type Heads, readHeads } from './heads.ts';
import { PARAMETERS } from './parameters.ts';
import { settingsSchema, type TabularClassificationSettings } from './settings.ts';

interface Request {
  readonly source: TableSource;
  readonly topK: number;
  /** Answers the best label of each row alone: its name, as the Hugging Face API does for a `table`, or its number. */
  readonly alone: 'name' | 'number' | undefined;
}

const namesOf = ({ heads }: Heads): string[] => {
  const places = heads.flatMap(({ scores, label }) => [...scores, ...(label === undefined ? [] : [label])]);
  return [...new Set(places.map(({ name }) => name))];
};

const blankRequest = (table: Table, blank: Blank): Request => ({
  ...{ source: blankTable(table, blank), topK: Number.POSITIVE_INFINITY, alone: undefined },
});

const steps = (
  table: Table,
  heads: Heads,
  settings: TabularClassificationSettings,
): TablePass<Request, Row, undefined> => {
  const answerOne = heads.isMultiLabel ? answerLabels : answerHead;
  const mostLabels = Math.max(...heads.heads.map(({ labels }) => labels.length));
  return {
    blank: blankRequest(table, ZEROS),
    outputNames: namesOf(heads),

    elements: rowElements,

    decode(payload) {
      const { top_k, label_numbers } = readParameters(payload.parameters, PARAMETERS);
      return {
        source: decodeTable(payload, table),
        topK: top_k ?? mostLabels,
        alone: label_numbers ? 'number' : tableOf(payload.inputs) && 'name',
      };
    },

    prepare: ({ source }, _, deadline) => readTable(source, table, deadline),

    describe: ({ source }, { deadline }) => describeTable(source, table, deadline),

    ...groupsOf(table),

    collate: (rows) => toFeeds(rows, table),

    postprocess: (outputs, { source, topK, alone }, rows) =>
      jsonAnswer(
        outputs.map((place, index) => {
          const read: ReadNumbers = (name) =>
            readRowNumbers(place, name, rows[index] ?? [], table, nameRow(source, index));
          const labels = heads.heads.map((head) => {
            const answer = answerOne(head, settings, place, read, alone ? 1 : topK);
            if (alone === undefined) return answer;
            return alone === 'number' ? numberOf(head, answer) : answer[0]?.label;
          });
          return settings.targets === undefined && labels.length === 1 ? labels[0] : labels;
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
    const table = createTable(settings.columns, signature);
    const pass = tablePass(steps(table, readHeads(signature, settings), settings));
    return { ...pass, blank: (blank) => blankRequest(table, blank) };
  },
};
