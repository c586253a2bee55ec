import { show } from '../../../core/show.ts';
import { tensor } from '../../../core/tensor.ts';
import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import type { PyValue } from '../../pickle/values.ts';
import { PyObject } from '../../pickle/values.ts';
import type { Converters } from '../conversion.ts';
import type { Estimator } from '../estimator.ts';
import { type Block, type Frame, rowOf, selectColumns, toDouble, toFrame, toMatrix, widthOf } from '../frame.ts';
import { isMissing } from './categories.ts';
import { scalar } from './numbers.ts';

/** The places of the missing value in a block, bool[N,width]. A missing string is "" in the graph, a missing number NaN. */
export const missingIn = (graph: GraphBuilder, { value, dtype }: Block, missing: PyValue): Value => {
  if (dtype === 'string')
    return graph.op('Equal', [
      value,
      graph.constant(tensor('string', [], [isMissing(missing) ? '' : String(missing)])),
    ]);
  if (isMissing(missing)) return graph.op('IsNaN', [value]);
  return graph.op('Equal', [value, scalar(graph, Number(missing))]);
};

/** `block` with the statistics of its columns in the place of missing values. */
const fillBlock = (
  estimator: Estimator,
  graph: GraphBuilder,
  block: Block,
  statistics: readonly PyValue[],
  missing: PyValue,
): Block => {
  const { width, dtype, value } = block;
  if (dtype === 'string' && statistics.some((each) => typeof each !== 'string' && !isMissing(each)))
    return estimator.refuse(`its statistics are ${show(statistics.slice(0, 3))}, but it gets strings`);
  const filling =
    dtype === 'string'
      ? graph.constant(
          tensor(
            'string',
            [1, width],
            statistics.map((each) => (isMissing(each) ? '' : String(each))),
          ),
        )
      : rowOf(
          graph,
          statistics.map((each) => (each === null ? Number.NaN : Number(each))),
        );
  const filled = graph.op('Where', [missingIn(graph, block, missing), filling, value]);
  return { value: filled, width, dtype, ...(Number.isNaN(missing) && { unfilled: block.unfilled ?? value }) };
};

const startOf = (frame: Frame, index: number): number => widthOf(frame.slice(0, index));

/** Columns of 0 and 1 that tell missing values, for the columns at `indices`. */
const indicate = (graph: GraphBuilder, frame: Frame, indices: readonly number[], missing: PyValue): Frame =>
  selectColumns(graph, frame, indices).map((block) => ({
    value: toDouble(graph, missingIn(graph, block, missing)),
    width: block.width,
    dtype: 'float64',
  }));

/** The columns for which `add_indicator` appends another; none when it is off. */
export const indicatorFeatures = (estimator: Estimator): number[] => {
  const indicator = estimator.find('indicator_') ?? null;
  if (estimator.find('add_indicator') !== true || !(indicator instanceof PyObject)) return [];
  return [...estimator.within(indicator).vector('features_')];
};

/** The columns that `add_indicator` appends. */
export const indicatorOf = (estimator: Estimator, graph: GraphBuilder, frame: Frame): Frame =>
  indicate(graph, frame, indicatorFeatures(estimator), estimator.get('missing_values'));

/** The columns that a `SimpleImputer` keeps: those that had a value when it was fitted. */
export const keptColumns = (estimator: Estimator): number[] => {
  const keepsAll = estimator.find('keep_empty_features') === true || estimator.text('strategy') === 'constant';
  return estimator
    .items('statistics_')
    .flatMap((statistic, index) => (keepsAll || !Number.isNaN(statistic) ? [index] : []));
};

export const IMPUTERS: Converters = {
  SimpleImputer: (estimator, frame, { graph }) => {
    const statistics = estimator.items('statistics_');
    const missing = estimator.get('missing_values');
    const filled = frame.map((block, index) => {
      const start = startOf(frame, index);
      return fillBlock(estimator, graph, block, statistics.slice(start, start + block.width), missing);
    });
    return {
      frame: [...selectColumns(graph, filled, keptColumns(estimator)), ...indicatorOf(estimator, graph, frame)],
    };
  },

  MissingIndicator: (estimator, frame, { graph }) => {
    const indices =
      estimator.text('features') === 'all'
        ? Array.from({ length: widthOf(frame) }, (_, index) => index)
        : [...estimator.vector('features_')];
    if (indices.length === 0) return estimator.refuse('no column had missing values when it was fitted');
    const parts = indicate(graph, frame, indices, estimator.get('missing_values'));
    return { frame: toFrame(toMatrix(graph, parts), indices.length) };
  },
};
