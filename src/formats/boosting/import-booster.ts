import { createGraph, type GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import type { ImportedModel } from '../imported-model.ts';
import type { Booster } from './booster.ts';
import { addInputs, ROWS, toNumbers } from './columns.ts';
import { toProbabilities } from './probabilities.ts';

/** The classes of a classifier: those of its estimator, or 0, 1, … */
const toId2label = (labels: readonly string[] | undefined, count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, id) => [id, labels?.[id] ?? `${id}`]));

/** Adds the answer of `predict` as an output, and returns the settings of its task. */
const addOutput = (graph: GraphBuilder, x: Value, booster: Booster, labels: readonly string[] | undefined) => {
  const { dtype, kind, outputs } = booster;
  const answer = booster.predict(graph, x);
  if (kind === 'values') {
    graph.output('value', answer, dtype, [ROWS, outputs]);
    return { pipeline_tag: 'tabular-regression' };
  }
  const isPair = kind === 'binary' && outputs === 1;
  const scores = isPair ? toProbabilities(graph, answer, dtype) : answer;
  const count = isPair ? 2 : outputs;
  graph.output('probabilities', scores, dtype, [ROWS, count]);
  return {
    pipeline_tag: 'tabular-classification',
    ...(kind === 'binary' && !isPair && { problem_type: 'multi_label_classification' }),
    id2label: toId2label(labels, count),
  };
};

/** A booster as a model of its own, whose columns may all lack a value. */
export const importBooster = (booster: Booster, labels?: readonly string[]): ImportedModel => {
  const { columns, notes, origin, parts, refusesUnknown } = booster;
  const graph = createGraph();
  const x = toNumbers(graph, addInputs(graph, columns), booster);
  const settings = addOutput(graph, x, booster, labels);
  return {
    onnx: graph.toModel(),
    config: {
      ...settings,
      columns: columns.map(({ name, categories }) => ({
        ...{ name, optional: true },
        ...(categories !== undefined && refusesUnknown && { categories }),
      })),
    },
    origin,
    outline: { text: origin, parts: [...parts, { text: describeColumns(booster) }] },
    notes,
  };
};

/** Columns whose names an outline lists. */
const LISTED = 20;

const describeColumns = ({ columns }: Booster): string => {
  const names = columns
    .slice(0, LISTED)
    .map(({ name, categories }) => (categories === undefined ? name : `${name} (${categories.length} categories)`));
  return `${columns.length} columns: ${names.join(', ')}${columns.length > LISTED ? ', …' : ''}`;
};
