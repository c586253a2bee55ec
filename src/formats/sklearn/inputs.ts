import { toInputName } from '../../core/input-name.ts';
import { type GraphBuilder, longs, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import type { Estimator } from './estimator.ts';
import { type FittedColumn, readFittedColumns } from './fitted-columns.ts';
import { type Block, type Frame, toDouble } from './frame.ts';
import { keyOfWords, type WordSettings } from './text/word-settings.ts';

/** A column as config.json describes it: docs/tasks/tables.md. */
export interface TableColumn {
  readonly name: string;
  readonly optional?: true;
  readonly categories?: readonly (string | number)[];
  /** The way to the terms of a text, by the inputs of the graph that get them. */
  readonly tokens?: Readonly<Record<string, WordSettings>>;
}

/** The inputs of a graph, as the first estimator gets them and as config.json describes them. */
export interface ModelInputs {
  readonly frame: Frame;
  readonly columns: readonly TableColumn[];
  /** True for a model of texts alone, whose only column is no table. */
  readonly isText: boolean;
}

/** The symbolic first dimension of inputs and outputs. */
export const ROWS = 'N';

/** The name of the input for each column: as skl2onnx makes it, unless two columns get the same one. */
const inputNames = (columns: readonly FittedColumn[]): readonly string[] => {
  const made = columns.map(({ name }) => toInputName(name));
  return columns.map(({ name }, index) => {
    const own = made[index] ?? name;
    return made.filter((other) => other === own).length === 1 ? own : name;
  });
};

/** A column that no step uses; it has no input. */
const UNUSED: Block = { value: '', width: 1, dtype: 'float64' };

/** Adds a single input float64[N,F] for all columns. */
const addMatrix = (graph: GraphBuilder, columns: readonly FittedColumn[]): Frame => {
  const used = columns.flatMap(({ isUsed }, index) => (isUsed ? [index] : []));
  const value = graph.input('X', 'float64', [ROWS, used.length]);
  if (used.length === columns.length) return [{ value, width: used.length, dtype: 'float64' }];
  return columns.map((_, index) => {
    const place = used.indexOf(index);
    if (place < 0) return UNUSED;
    const own = graph.op('Gather', [value, graph.constant(longs([place]))], { axis: integer(1) });
    return { value: own, width: 1, dtype: 'float64' };
  });
};

/** Inputs string[N,terms] for a column of texts, one for each way to make terms; float64[N,terms,2] for columns of hashed terms and their values. */
const addTerms = (graph: GraphBuilder, name: string, taken: Set<string>, words: readonly WordSettings[]) => {
  const terms = new Map<string, Value>();
  const tokens: Record<string, WordSettings> = {};
  for (const settings of words) {
    let [input, count] = [name, 1];
    while (Object.hasOwn(tokens, input) || (count > 1 && taken.has(input))) input = `${name}_${++count}`;
    taken.add(input);
    const shape = [ROWS, `${input}_terms`];
    const { hashing } = settings;
    const own = hashing ? graph.input(input, 'float64', [...shape, 2]) : graph.input(input, 'string', shape);
    terms.set(keyOfWords(settings), own);
    tokens[input] = settings;
  }
  return { block: { value: [...terms.values()][0] ?? '', width: 1, dtype: 'string' as const, terms }, tokens };
};

const describe = ({ name, isOptional, categories }: FittedColumn): TableColumn => ({
  name,
  ...(isOptional && { optional: true }),
  ...(categories !== undefined && { categories }),
});

/**
 * Adds the inputs of a fitted model: a single float64[N,F] named `X` when all columns are numbers. Otherwise each column that a step uses
 * gets an input [N,1] of strings, float64 or booleans, and texts get string[N,terms]. @throws `MODEL_INVALID`
 */
export const addInputs = (graph: GraphBuilder, root: Estimator): ModelInputs => {
  const { columns, isText } = readFittedColumns(root);
  const used = columns.filter(({ isUsed }) => isUsed);
  if (used.every(({ type }) => type === 'float64'))
    return { frame: addMatrix(graph, columns), columns: used.map(describe), isText };

  const names = inputNames(columns);
  const taken = new Set(names);
  const described: TableColumn[] = [];
  const frame = columns.map((column, index): Block => {
    const { type, isUsed, words } = column;
    const name = names[index] ?? column.name;
    if (!isUsed) return UNUSED;
    if (type === 'text') {
      const { block, tokens } = addTerms(graph, name, taken, words);
      described.push({ name: column.name, optional: true, tokens }); // a text that is missing is empty
      return block;
    }
    described.push(describe(column));
    const value = graph.input(name, type, [ROWS, 1]);
    if (type === 'string') return { value, width: 1, dtype: 'string' };
    return { value: type === 'bool' ? toDouble(graph, value) : value, width: 1, dtype: 'float64' };
  });
  return { frame, columns: described, isText };
};
